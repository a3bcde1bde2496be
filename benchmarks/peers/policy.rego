package main

import rego.v1

sections := [input.status.clusterCheckStatus.itemsStatus, input.status.addonCheckStatus.itemsStatus]

refused(item) if {
	item.phase == "Failed"
	item.kind == "Exception"
}

refused(item) if {
	item.phase == "Failed"
	item.kind == "Risk"
	item.level in {"Warning", "Fatal"}
}

deny contains msg if {
	some i, section in sections
	some j, item in section
	refused(item)
	msg := sprintf("section %d item %d %s: %s", [i, j, item.name, item.message])
}

deny contains msg if {
	some stage in input.status.nodeCheckStatus.nodeStageStatus
	some item in stage.itemsStatus
	refused(item)
	msg := sprintf("%s %s: %s", [stage.nodeInfo.uid, item.name, item.message])
}
