using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Tests.Crash;

/// <summary>The image and the folder of logs under an engine: whatever it does to them is done, and noted in one order.</summary>
internal sealed class CrashRecorder
{
    private readonly List<CrashEvent> _events = [];

    internal CrashRecorder(PagedDisk image, StateFolder folder)
    {
        (Initial, InitialFolder) = (image, folder);
        Live = image.Fork();
        Image = new RecordedImage(this);
        Folder = new RecordedFolder(this, folder);
    }

    /// <summary>What was there, durably, at the start.</summary>
    internal PagedDisk Initial { get; }

    internal StateFolder InitialFolder { get; }

    internal PagedDisk Live { get; }

    internal IBlockFile Image { get; }

    internal RecordedFolder Folder { get; }

    internal IReadOnlyList<CrashEvent> Events => _events;

    /// <summary>Events so far: who is acknowledged now must be there after a kill at any position from here on.</summary>
    internal int Position => _events.Count;

    /// <summary>Syncs so far.</summary>
    internal int Syncs { get; private set; }

    private void Note(CrashEvent happened) => _events.Add(happened);

    private sealed class RecordedImage(CrashRecorder recorder) : IBlockFile
    {
        public long Length => recorder.Live.Length;

        public bool TryRead(long offset, Span<byte> destination) => recorder.Live.TryRead(offset, destination);

        public void Read(long offset, Span<byte> destination) => recorder.Live.Read(offset, destination);

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            if (source.IsEmpty) return;
            recorder.Live.Write(offset, source);
            recorder.Note(new CrashEvent(CrashEventKind.Write, Offset: offset, Length: source.Length, Bytes: source.ToArray()));
        }

        public bool Punch(long offset, long length)
        {
            recorder.Live.Punch(offset, length);
            recorder.Note(new CrashEvent(CrashEventKind.Punch, Offset: offset, Length: length));
            return true;
        }

        public void Sync()
        {
            recorder.Syncs++;
            recorder.Note(new CrashEvent(CrashEventKind.Sync));
        }

        public void Dispose()
        {
        }
    }

    /// <summary>Notes what is done to the logs, and can fail.</summary>
    internal sealed class RecordedFolder : StateFolder
    {
        private readonly CrashRecorder _recorder;

        internal RecordedFolder(CrashRecorder recorder, StateFolder initial)
        {
            _recorder = recorder;
            foreach (var name in initial.List())
            {
                var copy = base.Create(name, 0);
                var bytes = new byte[initial[name].Length];
                initial[name].Read(0, bytes);
                copy.Write(0, bytes);
            }
        }

        /// <summary>Log writes that succeed before one fails, and all after it.</summary>
        internal int WritesUntilFailure { get; set; } = int.MaxValue;

        internal bool RefusesToCreate { get; set; }

        public override IBlockFile Create(string name, long bytes)
        {
            if (RefusesToCreate) throw new BlockFileException(BlockFileError.NoSpace, $"injected: '{name}' cannot be made");
            base.Create(name, bytes);
            _recorder.Note(new CrashEvent(CrashEventKind.LogCreate, name, Length: bytes));
            return new RecordedLog(this, name);
        }

        public override IBlockFile? Open(string name) => base.Open(name) is null ? null : new RecordedLog(this, name);

        public override void Rename(string name, string newName)
        {
            base.Rename(name, newName);
            _recorder.Note(new CrashEvent(CrashEventKind.LogRename, name, NewName: newName));
        }

        public override void Remove(string name)
        {
            if (base.Open(name) is null) return;
            base.Remove(name);
            _recorder.Note(new CrashEvent(CrashEventKind.LogRemove, name));
        }

        private void Write(string name, long offset, ReadOnlySpan<byte> source)
        {
            if (--WritesUntilFailure < 0)
            {
                // As a disk that runs full: a part of it is there.
                source = source[..(source.Length / 2)];
            }
            this[name].Write(offset, source);
            _recorder.Note(new CrashEvent(CrashEventKind.LogWrite, name, offset, source.Length, source.ToArray()));
            if (WritesUntilFailure < 0) throw new BlockFileException(BlockFileError.Io, "injected: the log cannot be written");
        }

        private sealed class RecordedLog(RecordedFolder folder, string name) : IBlockFile
        {
            private readonly PagedDisk _file = folder[name];

            public long Length => _file.Length;

            public bool TryRead(long offset, Span<byte> destination) => _file.TryRead(offset, destination);

            public void Read(long offset, Span<byte> destination) => _file.Read(offset, destination);

            public void Write(long offset, ReadOnlySpan<byte> source) => folder.Write(name, offset, source);

            public bool Punch(long offset, long length) => throw new InvalidOperationException("a log is not punched");

            public void Sync() => throw new InvalidOperationException("a log is never synced");

            public void Dispose()
            {
            }
        }
    }
}
