package devstate

import (
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
)

// All lists every device that the table has: endpoints in the order of the configuration,
// behind them by name what else is in use, and what was set by hand (AMI's
// DeviceStateList; Asterisk lists what it has ever heard of, in no order).
func (t *Table) All() []pbx.DeviceSnapshot {
	t.mu.Lock()
	out := make([]pbx.DeviceSnapshot, 0, len(t.devices)+len(t.byHand))
	for _, d := range t.order {
		if d.endpoint {
			out = append(out, pbx.DeviceSnapshot{Name: d.name(), State: d.state()})
		}
	}
	n := len(out)
	for _, d := range t.devices {
		if s := d.state(); !d.endpoint && s != "" {
			out = append(out, pbx.DeviceSnapshot{Name: d.name(), State: s})
		}
	}
	for name, s := range t.byHand {
		out = append(out, pbx.DeviceSnapshot{Name: name, State: s})
	}
	t.mu.Unlock()
	slices.SortFunc(out[n:], func(a, b pbx.DeviceSnapshot) int { return strings.Compare(a.Name, b.Name) })
	return out
}
