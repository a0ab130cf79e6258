package app

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
	"github.com/dialwright/dialwright/internal/softphone"
)

// running starts a server with a configuration of its own.
func running(t *testing.T, path string, adjust func(*config.Config)) (*App, *client.Client) {
	t.Helper()
	dir := t.TempDir()
	a, err := New(Options{Source: Source{Path: path}, Log: t.Output(), Adjust: func(c *config.Config) {
		onLoopback(dir)(c)
		adjust(c)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil { // the test's context has ended
			t.Error(err)
		}
	})
	return a, controlOf(t, a)
}

// Every door of the README's table is told of, in that order, by its page.
func TestEveryDoorOfTheReadme(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "\n## Doors\n")
	table, _, _ = strings.Cut(table, "\n## ")
	var pages []string
	for _, m := range regexp.MustCompile(`(?m)^\| .*\| \[([a-z-]+)\]\(docs/([a-z-]+)\.md\)`).FindAllStringSubmatch(table, -1) {
		pages = append(pages, m[2])
	}
	if len(pages) < 10 {
		t.Fatalf("the table has %d doors", len(pages))
	}
	var told []string
	for _, d := range doorTable {
		if slices.Contains(pages, d.page) {
			told = append(told, d.page)
		}
		if _, err := os.Stat(filepath.Join("..", "..", "docs", d.page+".md")); err != nil {
			t.Errorf("%s: %v", d.name, err)
		}
	}
	if !slices.Equal(pages, told) {
		t.Errorf("the README has %v, doors are %v", pages, told)
	}
	for _, name := range []string{"console", "sip"} {
		if !slices.ContainsFunc(doorTable, func(d door) bool { return d.name == name }) {
			t.Errorf("no door %s", name)
		}
	}
}

// Doors are told with the address of this server, what came by them, and no secret.
func TestDoors(t *testing.T) {
	a, c := running(t, "", func(c *config.Config) {
		c.Phones = map[string]config.Phone{"201": {Password: "phone-secret-1"}, "202": {Password: "phone-secret-2"}}
		c.Trunks = map[string]config.Trunk{"carrier": {Host: "127.0.0.1", User: "u", Password: "trunk-secret"}}
		c.Vodia.Enabled, c.Dialproxy.Enabled, c.Switchvox.Enabled, c.Links.Enabled = true, true, true, true
		c.AMI.Users = map[string]config.AMIUser{"wall": {Secret: "manager-secret", Write: []string{"originate"}, Read: []string{"all"}}}
		c.AMI.Listen = "127.0.0.1:0"
		c.ARI.Users = map[string]config.ARIUser{"app": {Password: "ari-secret-1"}}
		c.Callfile.Dir = filepath.Join(c.Server.DataDir, "outgoing")
	})
	var made struct{ ID string }
	if err := c.Post(t.Context(), "/v1/calls", map[string]any{"first": "Pretend/100486", "second": "Pretend/200", "retry": map[string]any{"max": 0}}, &made); err != nil {
		t.Fatal(err)
	}
	if err := c.Post(t.Context(), "/v1/calls", map[string]any{"first": "999", "second": "1"}, &made); err == nil {
		t.Fatal("a number that leads nowhere was taken")
	}
	var out struct{ Doors []rest.Door }
	if err := c.Get(t.Context(), "/v1/doors", nil, &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Doors) != len(doorTable) {
		t.Fatalf("%d doors", len(out.Doors))
	}
	for _, d := range out.Doors {
		if !d.Enabled || d.Address == "" || d.Title == "" || d.Setting == "" || len(d.Uses) == 0 {
			t.Errorf("%+v", d)
		}
		for _, u := range d.Uses {
			if strings.Contains(u.Text, "-secret") || strings.Contains(u.Text, "THIS-SERVER") || u.Title == "" || u.Text == "" {
				t.Errorf("%s: %q", d.Name, u.Text)
			}
		}
		switch {
		case d.Name == "cli" && (d.Accepted != 1 || d.Denied != 1 || len(d.Last) != 2 || d.Last[0].Accepted):
			t.Errorf("cli: %+v", d)
		case d.Name == "rest" && !strings.HasPrefix(d.Address, a.ownBase()):
			t.Errorf("rest is at %s", d.Address)
		case d.Name == "rest" && !strings.Contains(d.Uses[1].Text, "201"):
			t.Errorf("rest does not name a phone: %s", d.Uses[1].Text)
		}
	}

	_, c = running(t, "", func(c *config.Config) { c.HTTP.Listen = "" })
	out.Doors = nil
	if err := c.Get(t.Context(), "/v1/doors", nil, &out); err != nil {
		t.Fatal(err)
	}
	for _, d := range out.Doors {
		if on := d.Name == "cli" || d.Name == "asterisk-cli" || d.Name == "sip"; on != d.Enabled || on != (d.Address != "") {
			t.Errorf("without HTTP: %+v", d)
		}
	}
}

// stepsOf asks what to do next.
func stepsOf(t *testing.T, c *client.Client) map[string]rest.SetupStep {
	t.Helper()
	var out struct{ Steps []rest.SetupStep }
	if err := c.Get(t.Context(), "/v1/setup", nil, &out); err != nil {
		t.Fatal(err)
	}
	steps := map[string]rest.SetupStep{}
	for _, s := range out.Steps {
		if s.Title == "" || s.Text == "" || s.Done && s.Command != "" {
			t.Errorf("%+v", s)
		}
		steps[s.ID] = s
	}
	return steps
}

// done lists what is done.
func done(steps map[string]rest.SetupStep) (out []string) {
	for id, s := range steps {
		if s.Done {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// An empty server, and one that is half set up, are told what is missing; what is told works
// when it is done as it is told.
func TestSetup(t *testing.T) {
	_, c := running(t, "", func(*config.Config) {})
	steps := stepsOf(t, c)
	if got := done(steps); !slices.Equal(got, []string{"https"}) { // loopback needs none
		t.Errorf("empty: done %v", got)
	}
	// The tables that are told are a configuration.
	path := filepath.Join(t.TempDir(), "dialwright.toml")
	text := steps["phones"].Command + steps["trunk"].Command + "[[routes]]\nname = \"all\"\ntrunk = \"carrier\"\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a, c := running(t, path, func(c *config.Config) {
		trunk := c.Trunks["carrier"]
		trunk.Host, trunk.Register = "127.0.0.1", false
		c.Trunks["carrier"], c.Routes = trunk, nil
	})
	steps = stepsOf(t, c)
	if got := done(steps); !slices.Equal(got, []string{"https", "phones", "trunk"}) {
		t.Errorf("half: done %v", got)
	}
	if route := steps["route"]; !strings.Contains(route.Command, "trunk = \"carrier\"") || !strings.Contains(route.Text, path) {
		t.Errorf("%+v", route)
	}
	reg := steps["register"]
	sip := a.site().sip
	_, port, _ := net.SplitHostPort(sip)
	if !strings.Contains(reg.Command, "Port: "+port) || !strings.Contains(reg.Command, "User: 101") || !strings.Contains(reg.Text, "101, 102") || !strings.Contains(reg.Text, "this machine only") {
		t.Errorf("%+v", reg)
	}
	if !strings.Contains(steps["call"].Command, "dialwright call 101 102") {
		t.Errorf("%+v", steps["call"])
	}
	handset(t, sip, "101", softphone.Rule{Action: softphone.Answer})
	if reg := stepsOf(t, c)["register"]; reg.Done || strings.Contains(reg.Text, "101") || !strings.Contains(reg.Command, "User: 102") {
		t.Errorf("%+v", reg)
	}
	handset(t, sip, "102", softphone.Rule{Action: softphone.Answer})
	var key rest.MadeKey
	if err := c.Post(t.Context(), "/v1/keys", rest.NewKey{Name: "crm", Scopes: []string{"calls:read"}}, &key); err != nil {
		t.Fatal(err)
	}
	var user any
	for _, u := range []rest.NewUser{{Name: "101", Password: new("correct horse")}, {Name: "admin", UserFields: rest.UserFields{Role: new("admin")}, Password: new("correct horse")}} {
		if got := stepsOf(t, c)["users"]; got.Done {
			t.Errorf("before %s: %+v", u.Name, got)
		}
		if err := c.Post(t.Context(), "/v1/users", u, &user); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Post(t.Context(), "/v1/calls", map[string]any{"first": "Pretend/100486", "second": "101"}, &user); err != nil {
		t.Fatal(err)
	}
	if got := done(stepsOf(t, c)); !slices.Equal(got, []string{"call", "https", "keys", "phones", "register", "trunk", "users"}) {
		t.Errorf("done %v", got)
	}
	if err := c.Delete(t.Context(), "/v1/keys/crm", nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := stepsOf(t, c)["keys"]; got.Done {
		t.Errorf("after the key was revoked: %+v", got)
	}
}

// handset registers a softphone whose password is what setup tells to choose.
func handset(t *testing.T, server, user string, rule softphone.Rule) *softphone.Phone {
	t.Helper()
	p, err := softphone.New(softphone.Config{User: user, Password: "CHOOSE-A-LONG-ONE", Server: server, Rule: rule})
	if err == nil {
		err = p.Start(t.Context())
	}
	if err == nil {
		err = p.WaitRegistered(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop(context.Background()) }) // it may have gone before
	return p
}

// A phone that answers is told from one that registered and is gone, and from one that never
// came; a trunk from one that is not there.
func TestTestOfPhonesAndTrunks(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0") // takes what comes and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	port := silent.LocalAddr().(*net.UDPAddr).Port
	a, c := running(t, "", func(c *config.Config) {
		c.Phones = map[string]config.Phone{"101": {Password: "CHOOSE-A-LONG-ONE", Channels: 2}, "102": {Password: "CHOOSE-A-LONG-ONE"}}
		c.Trunks = map[string]config.Trunk{"mute": {Host: "127.0.0.1", Port: port, Qualify: config.Seconds(-1)}}
		c.SIP.Qualify = config.Seconds(0)
	})
	handset(t, a.site().sip, "101", softphone.Rule{Action: softphone.Answer})
	test := func(path string) (out rest.EndpointTest) {
		t.Helper()
		if err := c.Post(t.Context(), path, nil, &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := test("/v1/phones/101/test"); !got.OK || len(got.Results) != 1 || got.Results[0].Status != 200 || got.Results[0].RoundTrip <= 0 || !strings.Contains(got.Text, "calls reach it") {
		t.Errorf("%+v", got)
	}
	if got := test("/v1/phones/102/test"); got.OK || len(got.Results) != 0 || !strings.Contains(got.Text, "not registered") {
		t.Errorf("%+v", got)
	}
	begun := time.Now()
	got := test("/v1/trunks/mute/test")
	if got.OK || len(got.Results) != 1 || !strings.Contains(got.Results[0].Error, "no answer") || !strings.Contains(got.Text, "trunks.mute.host") || time.Since(begun) > 20*time.Second {
		t.Errorf("%+v", got)
	}
	for _, path := range []string{"/v1/phones/mute/test", "/v1/trunks/101/test", "/v1/phones/nobody/test"} {
		var p *client.Error
		if err := c.Post(t.Context(), path, nil, nil); !errors.As(err, &p) || p.Status != 404 {
			t.Errorf("%s: %v", path, err)
		}
	}
	var phones struct {
		Phones []struct {
			Name string
			Max  int `json:"max_channels"`

			Bindings []struct {
				UserAgent string `json:"user_agent"`
				Address   string
				Answers   string
			}
		}
	}
	if err := c.Get(t.Context(), "/v1/phones", nil, &phones); err != nil {
		t.Fatal(err)
	}
	if p := phones.Phones[0]; p.Name != "101" || p.Max != 2 || len(p.Bindings) != 1 || p.Bindings[0].Address == "" {
		t.Errorf("%+v", p)
	}
}
