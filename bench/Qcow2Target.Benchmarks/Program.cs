using BenchmarkDotNet.Running;
using Qcow2Target.Benchmarks.Image;

if (args is ["open-cost", ..]) OpenCost.Run(args.Length > 1 ? args[1] : Path.GetTempPath());
else BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
