#!/bin/bash
# Makes a small Linux for the end-to-end tests: Debian's cloud kernel, and an initramfs of busybox, the iSCSI modules and open-iscsi's own tools.
# What the guest does is a script that the tests lay behind the initramfs as a second archive (/job.sh).
#
#   build.sh DIRECTORY     leaves DIRECTORY/vmlinuz and DIRECTORY/initramfs.gz; does nothing where they are there already
#
# Needs apt-get with package lists, dpkg-deb, kmod, cpio, busybox-static, open-iscsi, e2fsprogs and util-linux.
set -euo pipefail
out=$1
[[ -s $out/vmlinuz && -s $out/initramfs.gz ]] && exit 0
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

modules=(virtio_pci virtio_net iscsi_tcp sd_mod crc32c-intel)
programs=(/usr/sbin/iscsistart /usr/sbin/iscsid /usr/sbin/iscsiadm /usr/sbin/mke2fs /usr/sbin/fstrim)

cd "$work"
PATH=$PATH:/usr/sbin:/sbin
kernel_package() { apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -1; }
as_root=()
if ((EUID != 0)); then as_root=(sudo -n); fi
package=$(kernel_package)
if [[ -z $package ]]; then
    "${as_root[@]}" apt-get -qq update </dev/null
    package=$(kernel_package)
fi
[[ -n $package ]] || { echo "build.sh: apt knows no linux-image-cloud-amd64" >&2; exit 1; }
apt-get -qq -o APT::Sandbox::User=root download "$package" >/dev/null
dpkg-deb -x linux-image-*.deb kernel
version=$(ls kernel/lib/modules)

root=$work/root
mkdir -p "$root"/{bin,sbin,proc,sys,dev,run,tmp,mnt,etc/iscsi,var/lib/iscsi/{nodes,send_targets},lib64} "$root/lib/modules/$version"
if ldd "$(command -v busybox)" >/dev/null 2>&1; then echo "build.sh: busybox is not the static one (Debian package busybox-static)" >&2; exit 1; fi
cp "$(command -v busybox)" "$root/bin/busybox"
for name in $("$root/bin/busybox" --list); do [[ $name == busybox ]] || ln -sf busybox "$root/bin/$name"; done

copy() { mkdir -p "$root/$(dirname "$1")"; cp -L "$1" "$root/$1"; }
for program in "${programs[@]}"; do
    [[ -x $program ]] || { echo "build.sh: $program is missing" >&2; exit 1; }
    copy "$program"
    for library in $(ldd "$program" | grep -o '/[^ ]*'); do copy "$library"; done
done
cp kernel/lib/modules/"$version"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$version/"
depmod -b kernel "$version"
for module in "${modules[@]}"; do
    for file in $(modprobe -d "$work/kernel" -S "$version" --show-depends "$module" | sed -n 's/^insmod //p'); do
        place=$root/${file#"$work/kernel/"}
        mkdir -p "$(dirname "$place")"
        cp "$file" "$place"
    done
done
depmod -b "$root" "$version"

printf 'node.startup = manual\nnode.session.scan = auto\n' >"$root/etc/iscsi/iscsid.conf"
cat >"$root/init" <<'INIT'
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs run /run; mkdir -p /run/lock
for m in virtio_pci virtio_net crc32c-intel iscsi_tcp sd_mod; do modprobe $m; done
ip link set lo up; ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0
echo root:x:0:0::/: >/etc/passwd
sh /job.sh
echo "guest: job ended with $?"
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . -print0 | cpio -0 -o -H newc --quiet -R 0:0) | gzip -1 >"$out/initramfs.gz"
cp kernel/boot/vmlinuz-* "$out/vmlinuz"
