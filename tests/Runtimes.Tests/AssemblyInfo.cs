// Each machine has daemons of its own; one after another they do not have to share the processors.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
