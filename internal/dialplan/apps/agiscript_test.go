package apps_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// agiPrelude is how a script in sh reads its environment, and asks.
const agiPrelude = `#!/bin/sh
while read -r line && [ -n "$line" ]; do
	case "$line" in agi_request:*) request=${line#agi_request: };; esac
done
ask() { echo "$1"; read -r answer; }
`

func TestAGIScript(t *testing.T) {
	for _, c := range []struct {
		name, script, app string
		want              []string
	}{
		{
			"speaks", `ask "SET VARIABLE GOT \"$1|$2|$request\""
				echo "a remark" >&2
				ask "GET VARIABLE GOT"
				ask "SET VARIABLE BACK \"$answer\""`,
			`AGI(script,"a b",c)`, []string{"SUCCESS a b|c|script 200 result=1 (a b|c|script)"},
		},
		{"exits with an error", `ask "SET VARIABLE GOT 1"; exit 3`, "AGI(script)", []string{"FAILURE 1 "}},
		{"says nothing", `exit 0`, "DeadAGI(script)", []string{"SUCCESS  "}},
		{"has a small environment", `ask "SET VARIABLE GOT $(env | grep -c -v -e ^AST_ -e ^PATH= -e ^HOME= -e ^LANG= -e ^TZ= -e ^PWD= -e ^_= -e ^OLDPWD= -e ^SHLVL=)"`, "AGI(script)", []string{"SUCCESS 0 "}},
		{"hears", `ask "SET VARIABLE GOT $(head -c 1600 <&3 | wc -c)"`, "EAGI(script)", []string{"SUCCESS 1600 "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := agiOffice(t, nil)
			defer o.close()
			if err := os.WriteFile(filepath.Join(o.o.dir, "tmp", "script"), []byte(agiPrelude+c.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			o.load("[t]\nexten => s,1,Answer(,i)\n same => n,"+c.app+"\n same => n,Log(NOTICE,${AGISTATUS} ${GOT} ${BACK})\n", nil)
			o.call(vectorCall{Context: "t", Exten: "s", Mode: "inbound"})
			o.waitIdle(20 * time.Second)
			if d := cmp.Diff(c.want, o.trace()); d != "" {
				t.Errorf("-want +got:\n%s\n%s", d, o.logged())
			}
		})
	}
}

// The hangup reaches a script and what it has started.
func TestAGIScriptHangup(t *testing.T) {
	t.Parallel()
	o := agiOffice(t, nil)
	defer o.close()
	file := filepath.Join(o.o.dir, "tmp", "script")
	script := agiPrelude + `trap 'ask "SET VARIABLE NOTED \"$answer\""; exit 1' HUP
ask NOOP
sh -c 'echo "SET VARIABLE STARTED 1"; exec sleep 60'` // a signal between fork and exec would be lost
	if err := os.WriteFile(file, []byte(script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	o.load("[t]\nexten => s,1,AGI("+file+")\nexten => h,1,Log(NOTICE,${AGISTATUS} ${NOTED})\n", nil)
	events, stop := o.sw.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelVarset}}, 100)
	defer stop()
	caller := o.call(vectorCall{Context: "t", Exten: "s", Mode: "inbound"})
	go func() {
		for e := range events {
			if e.Variable == "STARTED" {
				close(started)
				return
			}
		}
	}()
	select {
	case <-started:
	case <-time.After(20 * time.Second):
		t.Fatal("the script does not start")
	}
	begun := time.Now()
	caller.Hangup(cause.NormalClearing)
	o.waitIdle(20 * time.Second)
	if d := cmp.Diff([]string{"HANGUP 200 result=0"}, o.trace()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if took := time.Since(begun); took > 9*time.Second {
		t.Errorf("it took %v: the sleeping child was not told", took)
	}
}
