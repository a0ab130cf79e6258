package pbx

// BlindTransfer is Event.Data of BridgeBlindTransfer: a party has sent the other
// one of its bridge elsewhere (spec: ari 5.1; Asterisk: bridge.c
// ast_bridge_transfer_blind). Event.Channel is who did it, Event.Bridge where.
type BlindTransfer struct {
	Transferee *Snapshot // nil: more than one was sent
	Extension  string
	Context    string
	Result     string // "Success", "Fail", "Invalid", "Not Permitted"
	External   bool   // asked for by the party itself, and not by a feature code
}
