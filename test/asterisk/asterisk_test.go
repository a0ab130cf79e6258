//go:build asterisk

// Package asterisk runs the same extensions.conf and the same call files on a
// real Asterisk and on the built binary, and compares what both say line by
// line. It needs root and a root directory with Debian's Asterisk, which
// scripts/asterisk-root makes: `make test-asterisk` does both.
package asterisk

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// reference is a running Asterisk in its own root directory.
type reference struct {
	t    *testing.T
	root string // of the chroot
	dir  string // inside of it: /tmp/dialwright-…
	cmd  *exec.Cmd
}

// The modules of Asterisk that listen on the network stay out.
const modulesConf = `[modules]
autoload=yes
noload=chan_iax2.so
noload=pbx_dundi.so
noload=res_pjsip_transport_websocket.so
noload=chan_unistim.so
noload=chan_mgcp.so
noload=chan_skinny.so
noload=res_snmp.so
noload=chan_motif.so
noload=res_xmpp.so
`

// startReference starts Asterisk with a copy of testdata. ${AGIDIR} of the call
// files is its agi directory. configure, if not nil, may write further files into etc.
func startReference(t *testing.T, configure func(etc string)) *reference {
	t.Helper()
	root := os.Getenv("DIALWRIGHT_ASTERISK_ROOT")
	if root == "" {
		t.Fatal("DIALWRIGHT_ASTERISK_ROOT is not set: run make test-asterisk")
	}
	tmp, err := os.MkdirTemp(filepath.Join(root, "tmp"), "dialwright-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	r := &reference{t: t, root: root, dir: strings.TrimPrefix(tmp, root)}
	for _, d := range []string{"etc", "spool/outgoing", "spool/tmp", "spool/recording", "log", "run", "lib", "agi"} {
		must(t, os.MkdirAll(filepath.Join(tmp, d), 0o755))
	}
	r.write("etc/asterisk.conf", fmt.Sprintf("[directories]\nastetcdir => %[1]s/etc\nastspooldir => %[1]s/spool\nastlogdir => %[1]s/log\nastrundir => %[1]s/run\nastdbdir => %[1]s/lib\nastagidir => %[1]s/agi\nastmoddir => /usr/lib/x86_64-linux-gnu/asterisk/modules\nastdatadir => /usr/share/asterisk\nastvarlibdir => /usr/share/asterisk\n[options]\nlive_dangerously=yes\ndocumentation_language=en_US\n", r.dir))
	r.write("etc/modules.conf", modulesConf)
	r.write("etc/logger.conf", "[general]\ndateformat=%s\n[logfiles]\ntrace => notice\nall => notice,warning,error\n")
	r.write("etc/extensions.conf", read(t, "testdata/extensions.conf"))
	for _, name := range []string{"cdr.conf", "cel.conf", "pjsip.conf", "http.conf", "manager.conf", "indications.conf", "features.conf", "confbridge.conf", "amd.conf", "followme.conf", "musiconhold.conf"} {
		r.write("etc/"+name, "[general]\n")
	}
	r.write("agi/talk.sh", read(t, "testdata/agi/talk.sh"))
	must(t, os.Chmod(filepath.Join(tmp, "agi/talk.sh"), 0o755))
	if configure != nil {
		configure(filepath.Join(tmp, "etc"))
	}
	r.cmd = exec.Command("chroot", root, "/usr/sbin/asterisk", "-f", "-C", r.dir+"/etc/asterisk.conf")
	var out bytes.Buffer
	r.cmd.Stdout, r.cmd.Stderr = &out, &out
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(t, r.cmd.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
		_ = r.cmd.Wait()
		if t.Failed() {
			t.Logf("Asterisk's own output:\n%.4000s\nlog:\n%.8000s", out.String(), r.log("all"))
		}
	})
	await(t, 60*time.Second, "Asterisk has booted", func() bool {
		c := exec.Command("chroot", root, "/usr/sbin/asterisk", "-C", r.dir+"/etc/asterisk.conf", "-rx", "core waitfullybooted")
		b, err := c.CombinedOutput()
		return err == nil && strings.Contains(string(b), "fully booted")
	})
	return r
}

func (r *reference) write(name, text string) {
	r.t.Helper()
	must(r.t, os.WriteFile(filepath.Join(r.root, r.dir, name), []byte(text), 0o644))
}

// log gives one of its log files.
func (r *reference) log(name string) string {
	b, err := os.ReadFile(filepath.Join(r.root, r.dir, "log", name))
	if err != nil {
		return ""
	}
	return string(b)
}

// put moves a call file into the spool folder.
func (r *reference) put(name, text string) {
	r.t.Helper()
	text = strings.ReplaceAll(text, "@AGIDIR@", r.dir+"/agi")
	r.write("spool/tmp/"+name, text)
	base := filepath.Join(r.root, r.dir, "spool")
	must(r.t, os.Rename(filepath.Join(base, "tmp", name), filepath.Join(base, "outgoing", name)))
}

// waiting counts the files in its spool folder.
func (r *reference) waiting() int {
	list, err := os.ReadDir(filepath.Join(r.root, r.dir, "spool/outgoing"))
	must(r.t, err)
	return len(list)
}

// traces gives the lines of Log(NOTICE,@ID text) by ID.
func traces(log string) map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(log) {
		_, text, ok := strings.Cut(strings.TrimRight(line, "\n"), ": @")
		if !ok {
			continue
		}
		id, text, _ := strings.Cut(text, " ")
		out[id] = append(out[id], text)
	}
	return out
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	must(t, err)
	return string(b)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// await polls until ok holds; it fails the test when that takes too long.
func await(t *testing.T, patience time.Duration, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %v in vain until %s", patience, what)
		}
	}
}
