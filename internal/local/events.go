package local

import "github.com/dialwright/dialwright/internal/pbx"

// The events about a pair of halves, for AMI (spec: ami 5.5). Event.Data is a *Pair.
const (
	Bridged           pbx.EventType = "LocalBridge"
	OptimizationBegun pbx.EventType = "LocalOptimizationBegin"
	OptimizationEnded pbx.EventType = "LocalOptimizationEnd"
)

// Pair is the two halves of a Local channel at one moment. It is immutable.
type Pair struct {
	One, Two *pbx.Snapshot

	Context, Exten string // Bridged: where the second half goes
	Optimizes      bool   // Bridged: the pair may be optimised away

	Source  *pbx.Snapshot // OptimizationBegun: who moves
	Dest    string        // OptimizationBegun: id of the half that it leaves behind
	ID      uint64        // of the optimisation
	Success bool          // OptimizationEnded
}
