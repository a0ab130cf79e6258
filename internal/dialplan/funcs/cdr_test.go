package funcs

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
)

func TestCDR(t *testing.T) {
	o := newOffice(t, nil)
	o.get("CDR(src)", "55")
	o.get("CDR(clid)", `"Bob B" <55>`)
	o.get("CDR(dst)", "100")
	o.get("CDR(dcontext)", "from-inside")
	o.get("CDR(disposition)", "NO ANSWER")
	o.get("CDR(disposition,u)", "0")
	o.get("CDR(answer)", "")
	o.get("CDR(billsec)", "0")
	o.get("CDR(amaflags)", "DOCUMENTATION")
	o.get("CDR(amaflags,u)", "3")
	o.set("CDR(userfield)", "uf")
	o.set("CDR(Custom)", "cv")
	o.get("CDR(userfield)", "uf")
	o.get("CDR(custom)", "cv")
	o.get("CDR(nope)", "")
	o.refuses("CDR(src)", "x")
	o.refuses("CDR(duration)", "x")
	o.get("CDR(src)", "55")
	o.set("CDR(accountcode)", "acc1")
	o.get("CHANNEL(accountcode)", "acc1")
	o.set("CDR_PROP(party_a)", "1")
	o.set("CDR_PROP(disable)", "1")
	o.refuses("CDR_PROP(other)", "1")
	got := o.x.CDR().Copy()
	if got.UserField != "uf" || got.AccountCode != "acc1" || got.Own["custom"] != "cv" || !got.Disabled {
		t.Errorf("record %+v", got)
	}
	if err := o.c.SetPosition("menu", "7", 3, "Playback", "hello"); err != nil {
		t.Fatal(err)
	}
	o.get("CDR(lastapp)", "Playback")
	o.get("CDR(lastdata)", "hello")
	o.c.Hangup(cause.UserBusy)
	<-o.c.Context().Done()
	o.get("CDR(dst)", "7")
	o.get("CDR(disposition)", "BUSY")
}

func TestCDRTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, nil)
		start := time.Now()
		o.get("CDR(start)", start.Local().Format(time.DateTime))
		o.get("CDR(start,u)", "946684800.000000")
		o.get("CDR(answer,u)", "0.000000")
		<-time.After(2500 * time.Millisecond) // the caller rings
		if err := o.c.Answer(); err != nil {
			t.Fatal(err)
		}
		<-time.After(1250 * time.Millisecond)
		o.get("CDR(duration)", "3")
		o.get("CDR(duration,f)", "3.750000")
		o.get("CDR(billsec,f)", "1.250000")
		o.get("CDR(disposition)", "ANSWERED")
		o.c.Hangup(cause.NormalClearing)
		<-o.c.Context().Done()
		<-time.After(time.Hour)
		o.get("CDR(duration)", "3")
		o.get("CDR(end)", start.Add(3750*time.Millisecond).Local().Format(time.DateTime))
	})
}
