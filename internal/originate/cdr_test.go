package originate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// What a dialplan has said stands in the record, and the number that was dialled.
func TestMakeCDRDialplan(t *testing.T) {
	a := call.Attempt{Request: call.Request{AccountCode: "asked", Origin: call.Origin{Reference: "a.call"}}, RouteA: call.Route{Endpoint: "PJSIP/49@carrier", Number: "+49"}}
	out := call.Outcome{Disposition: call.Answered, Reason: 4, Detail: call.Completed, Dialplan: &call.DialplanRecord{
		Context: "ctx", Extension: "5", App: "Playback", Data: "beep", UserField: "uf",
	}}
	got := originate.MakeCDR(a, out)
	want := call.CDR{
		Reference: "a.call", First: "PJSIP/49@carrier", Disposition: call.Answered, CauseText: "Unknown", Dialled: "+49",
		Context: "ctx", Extension: "5", LastApp: "Playback", LastData: "beep", UserField: "uf", AccountCode: "asked", Reason: 4, Detail: call.Completed,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	out.Dialplan.AccountCode = "said"
	if got := originate.MakeCDR(a, out).AccountCode; got != "said" {
		t.Errorf("account code %q", got)
	}
}
