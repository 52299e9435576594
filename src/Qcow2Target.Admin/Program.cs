using Qcow2Target.Admin;

return await AdminProgram.RunAsync(args, Console.Out, Console.Error);
