"""`with lineage.session(...)`: capture -> contract, while the experiment runs.

session   opens or joins a session; model loads, runs, artifacts
runs      the activities while they take place
writer    records, one whole line each
log       the process's journal, and the manifest
inputs    arguments that name inputs: paths, data sets, models, parameters
datasets  data sets in memory and names on a hub
own_files what the session writes itself, and refuses as an artifact
guard     recording never breaks the run
helpers   the three helper functions of the contract
"""
