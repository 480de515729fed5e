// Labs are whole clusters: one after the other, or the patience of each becomes the others' load.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
