package originate_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

func TestGuard(t *testing.T) {
	connect := func(second string) func(*call.Request) {
		return func(r *call.Request) {
			r.First, r.Then = "101", call.Then{Kind: call.ThenConnect, Second: call.Endpoint(second)}
		}
	}
	type account = originate.Account
	for _, c := range []struct {
		name    string
		account account
		change  func(*call.Request)
		code    originate.RefusalCode // "" = accepted
		rule    string
		field   string
	}{
		{"home number", account{}, connect("+493012345678"), "", "", ""},
		{"anonymous", account{}, func(r *call.Request) { r.Origin.Principal = "" }, originate.RefusedGuard, "no anonymous origination", ""},
		{"no such account", account{}, func(r *call.Request) { r.Account = "nobody" }, originate.RefusedAccount, "accounts", "account"},
		{"disabled", account{Disabled: true}, nil, originate.RefusedAccount, "account sales: disabled", ""},
		{"principal", account{Principals: []string{"carol"}}, nil, originate.RefusedAccount, "account sales: principals", ""},
		{"any principal", account{Principals: []string{"*"}}, nil, "", "", ""},
		{"international off", account{}, connect("+441632960000"), originate.RefusedGuard, "account sales: international", "then.second"},
		{"international on", account{International: true}, connect("+442079460000"), "", "", ""},
		{"international by prefix", account{Allow: []string{"+49", "+4420"}}, connect("+442079460000"), "", "", ""},
		{"premium off", account{}, connect("+499001234567"), originate.RefusedGuard, "account sales: premium", "then.second"},
		{"premium off although allowed by prefix", account{Allow: []string{"+49"}}, connect("+499001234567"), originate.RefusedGuard, "account sales: premium", "then.second"},
		{"premium on", account{Premium: true}, connect("+499001234567"), "", "", ""},
		{"emergency off", account{}, connect("112"), originate.RefusedGuard, "account sales: emergency", "then.second"},
		{"emergency on", account{Emergency: true}, connect("112"), "", "", ""},
		{"denied prefix", account{Deny: []string{"+4930"}}, connect("+493012345678"), originate.RefusedGuard, "account sales: deny +4930", "then.second"},
		{"longer allow wins", account{Deny: []string{"+49"}, Allow: []string{"+4930"}}, connect("+493012345678"), "", "", ""},
		{"longer deny wins", account{Deny: []string{"+493012"}, Allow: []string{"+4930"}}, connect("+493012345678"), originate.RefusedGuard, "account sales: deny +493012", "then.second"},
		{"deny wins a tie", account{Deny: []string{"+4930"}, Allow: []string{"+4930"}}, connect("+493012345678"), originate.RefusedGuard, "account sales: deny +4930", "then.second"},
		{"not in allow list", account{Allow: []string{"+4940"}}, connect("+493012345678"), originate.RefusedGuard, "account sales: allow list", "then.second"},
		{"internal numbers need no allow", account{Allow: []string{"+4940"}}, connect("102"), "", "", ""},
		{"internal denied", account{Deny: []string{"10"}}, connect("+493012345678"), originate.RefusedGuard, "account sales: deny 10", "first"},
		{"national form is seen through", account{Deny: []string{"+49900"}}, connect("09001234567"), originate.RefusedGuard, "account sales: deny +49900", "then.second"},
		{"unknown on a public trunk", account{}, connect("+4900000"), originate.RefusedGuard, "account sales: unknown number", "then.second"},
		{"unknown by prefix", account{Allow: []string{"+49"}}, connect("+491111111111111"), "", "", ""},
		{"unknown for the trusted", account{International: true, Premium: true}, connect("+491111111111111"), "", "", ""},
		{"international alone does not trust", account{International: true}, connect("+491111111111111"), originate.RefusedGuard, "account sales: unknown number", "then.second"},
		{"short on a public trunk", account{}, connect("200"), originate.RefusedGuard, "account sales: unknown number", "then.second"},
		{"short by prefix", account{Allow: []string{"20", "+49"}}, connect("200"), "", "", ""},
		{"service code on a public trunk", account{}, connect("*31#09001234567"), originate.RefusedGuard, "account sales: unknown number", "then.second"},
		{"letters on a public trunk", account{}, connect("0900FLOWERS"), originate.RefusedGuard, "account sales: unknown number", "then.second"},
		{"anything on a private trunk", account{}, connect("private:0900FLOWERS"), "", "", ""},
		{"premium on a private trunk", account{}, connect("private:+499001234567"), "", "", ""},
		{"denied on a private trunk", account{Deny: []string{"+49900"}}, connect("private:+499001234567"), originate.RefusedGuard, "account sales: deny +49900", "then.second"},
		{"not allowed on a private trunk", account{Allow: []string{"+4930"}}, connect("private:+4940123456"), originate.RefusedGuard, "account sales: allow list", "then.second"},
		{"emergency on a private trunk", account{}, connect("private:112"), originate.RefusedGuard, "account sales: emergency", "then.second"},
		{"without + as another country's", account{Country: "US"}, connect("33123456789"), originate.RefusedGuard, "account sales: international", "then.second"},
		{"without + as both", account{}, connect("15123456789"), originate.RefusedGuard, "account sales: international", "then.second"},
		{"without + at home", account{}, connect("491771234567"), "", "", ""},
		{"+0", account{International: true, Premium: true, Allow: []string{"+"}}, connect("+0900123456"), originate.RefusedGuard, "account sales: invalid number", "then.second"},
		{"000", account{International: true, Premium: true}, connect("000900123456"), originate.RefusedGuard, "account sales: invalid number", "then.second"},
		{"emergency with country code", account{Allow: []string{"+49"}}, connect("+49110"), originate.RefusedGuard, "account sales: emergency", "then.second"},
		{"premium too long", account{Allow: []string{"+49"}}, connect("+49900123456799"), originate.RefusedGuard, "account sales: premium", "then.second"},
		{"country unknown", account{Country: "ZZ"}, connect("03012345678"), originate.RefusedGuard, "account sales: unknown number", "then.second"},
		{"trunk without a number", account{}, connect("none:"), originate.RefusedGuard, "account sales: unknown number", "then.second"},
		{"address beside the phone's own", account{}, connect("beside:0900FLOWERS"), originate.RefusedGuard, "account sales: unknown number", "then.second"},
		{"context", account{Contexts: []string{"safe"}}, func(r *call.Request) {
			r.Then = call.Then{Kind: call.ThenDialplan, Context: "default", Extension: "5"}
		}, originate.RefusedGuard, "account sales: contexts", "then.context"},
		{"local channel's context", account{Contexts: []string{"safe"}}, func(r *call.Request) { r.First = "Local/5@default/n" }, originate.RefusedGuard, "account sales: contexts", "first"},
		{"context allowed", account{Contexts: []string{"safe"}}, func(r *call.Request) { r.First = "Local/5@safe" }, "", "", ""},
		{"caller ID fixed", account{FixedCallerID: true, CallerID: call.CallerID{Number: "+49301"}}, func(r *call.Request) { r.CallerID.Number = "+49302" }, originate.RefusedGuard, "account sales: fixed caller ID", "caller_id"},
		{"no route", account{}, func(r *call.Request) { r.First = "nowhere" }, originate.RefusedDestination, "", "first"},
		{"more legs than the trunk has", account{}, func(r *call.Request) {
			r.Then = call.Then{Kind: call.ThenConnect, Second: "+493012345679"}
		}, originate.RefusedGuard, "trunk:x: channels", ""},
		{"no first", account{}, func(r *call.Request) { r.First = " " }, originate.RefusedInvalid, "", "first"},
		{"no second", account{}, connect(""), originate.RefusedInvalid, "", "then.second"},
		{"no kind", account{}, func(r *call.Request) { r.Then = call.Then{} }, originate.RefusedInvalid, "", "then.kind"},
		{"no extension", account{}, func(r *call.Request) { r.Then = call.Then{Kind: call.ThenDialplan, Context: "a"} }, originate.RefusedInvalid, "", "then.context"},
		{"no application", account{}, func(r *call.Request) { r.Then = call.Then{Kind: call.ThenApp} }, originate.RefusedInvalid, "", "then.name"},
		{"header injection", account{}, func(r *call.Request) { r.CallerID.Name = "x\r\nRoute: <sip:evil>" }, originate.RefusedInvalid, "", "caller_id.name"},
		{"not UTF-8", account{}, func(r *call.Request) { r.CallerID.Name = "\xff" }, originate.RefusedInvalid, "", "caller_id.name"},
		{"too long", account{}, func(r *call.Request) { r.Key = strings.Repeat("k", 600) }, originate.RefusedInvalid, "", "key"},
		{"negative time", account{}, func(r *call.Request) { r.WaitTime = -1 }, originate.RefusedInvalid, "", "wait_time"},
		{"too many retries", account{}, func(r *call.Request) { r.Retry.Max = 1 << 20 }, originate.RefusedInvalid, "", "retry.max"},
		{"over before it begins", account{}, func(r *call.Request) { r.NotAfter = time.Now() }, originate.RefusedInvalid, "", "not_after"},
		{"year 20000", account{}, func(r *call.Request) { r.NotBefore = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC) }, originate.RefusedInvalid, "", "not_before"},
		{"variable without name", account{}, func(r *call.Request) { r.Variables = []call.Variable{{Name: "__"}} }, originate.RefusedInvalid, "", "variables"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := setup(t, always(call.Answered), func(_ *originate.Options, p *originate.Policy) {
					p.Accounts["sales"] = c.account
					p.Limits["trunk:x"] = originate.Limits{Channels: 1}
				})
				r := request(c.change)
				d, err := v.Check(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				_, _, err = v.Submit(t.Context(), r)
				if c.code == "" {
					if err != nil || d.Refusal != nil || len(d.Rules) == 0 {
						t.Fatalf("submit: %v, check: %+v", err, d)
					}
					return
				}
				got := refused(t, err, c.code)
				if d := cmp.Diff(got, d.Refusal); d != "" {
					t.Errorf("check and submit differ: %s", d)
				}
				if got.Rule != c.rule || got.Field != c.field || got.Text == "" {
					t.Errorf("refusal %+v, want rule %q, field %q", got, c.rule, c.field)
				}
				trail, err := v.Audit(t.Context(), originate.AuditFilter{Oldest: true})
				if err != nil || len(trail) != 1 || trail[0].Accepted || trail[0].Rule != c.rule || trail[0].Origin.Remote != "192.0.2.1:1000" {
					t.Errorf("audit trail: %+v, %v", trail, err)
				}
				if s, _ := v.Stats(t.Context()); s.Denied[c.code] != 1 || s.Accepted != 0 {
					t.Errorf("counted %v", s.Denied)
				}
			})
		})
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, always(call.Answered), func(_ *originate.Options, p *originate.Policy) {
			p.Accounts["sales"] = originate.Account{CallerID: call.CallerID{Name: "Sales", Number: "+49301"}}
		})
		c := v.submit(func(r *call.Request) {
			r.First, r.Then, r.Retry.Max = "101", call.Then{Kind: call.ThenConnect, Second: "102"}, 1
			r.CallerID.Private = true
		})
		r := c.Request
		if r.WaitTime != 45*time.Second || r.Then.WaitTime != 45*time.Second || r.Retry.Wait != 5*time.Minute {
			t.Errorf("times: %+v", r)
		}
		if r.CallerID != (call.CallerID{Name: "Sales", Number: "+49301", Private: true}) {
			t.Errorf("caller ID: %+v", r.CallerID)
		}
		if c.RouteB.Phone != "102" {
			t.Errorf("route B: %+v", c.RouteB)
		}
	})
}

func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, always(call.Answered), func(_ *originate.Options, p *originate.Policy) {
			p.Accounts["sales"] = originate.Account{Rate: originate.Rate{PerSecond: 1, Burst: 3}}
			p.Accounts["ops"] = originate.Account{}
			p.AddressRate = originate.Rate{PerSecond: 10, Burst: 5}
		})
		submit := func(account call.AccountID, remote string) error {
			_, _, err := v.Submit(t.Context(), request(func(r *call.Request) { r.Account, r.Origin.Remote = account, remote }))
			return err
		}
		for range 3 {
			if err := submit("sales", "192.0.2.1:1"); err != nil {
				t.Fatal(err)
			}
		}
		r := refused(t, submit("sales", "192.0.2.2:1"), originate.RefusedRate)
		if r.Rule != "account sales: rate" || r.RetryAfter <= 0 || r.RetryAfter > time.Second {
			t.Errorf("refusal: %+v", r)
		}
		pass(r.RetryAfter) // in the bubble
		if err := submit("sales", "192.0.2.2:1"); err != nil {
			t.Errorf("after RetryAfter: %v", err)
		}
		for range 5 {
			submit("ops", "198.51.100.1:77")
		}
		if r := refused(t, submit("ops", "198.51.100.1:99"), originate.RefusedRate); r.Rule != "rate per address" {
			t.Errorf("refusal: %+v", r)
		}
		if err := submit("ops", "198.51.100.2:77"); err != nil {
			t.Errorf("another address: %v", err)
		}
		v.batchOf("sales", 50, t)
	})
}

// batchOf submits a batch, which is one submission for the rates.
func (v *env) batchOf(account call.AccountID, n int, t *testing.T) {
	pass(time.Second) // in the bubble: one token
	list := make([]call.Request, n)
	for i := range list {
		list[i] = request(func(r *call.Request) { r.Account, r.Origin.Remote = account, "203.0.113.1:5" })
	}
	got, err := v.SubmitBatch(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i].Err != nil {
			t.Fatalf("request %d of the batch: %v", i, got[i].Err)
		}
	}
}

func TestDailyCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zone := time.FixedZone("UTC+2", 2*3600)
		v := setup(t, always(call.Answered), func(_ *originate.Options, p *originate.Policy) {
			p.Accounts["sales"] = originate.Account{Daily: 2}
			p.DayIn = zone
		})
		v.submit(nil)
		v.submit(nil)
		_, _, err := v.Submit(t.Context(), request(nil))
		if r := refused(t, err, originate.RefusedRate); r.Rule != "account sales: daily cap" {
			t.Errorf("refusal: %+v", r)
		}
		y, m, d := time.Now().In(zone).Date()
		pass(time.Until(time.Date(y, m, d+1, 0, 0, 0, 0, zone))) // in the bubble: to the next day there
		v.submit(nil)
	})
}

func TestIdempotencyKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, always(call.Answered), nil)
		keyed := func(change func(*call.Request)) (call.Call, bool, error) {
			return v.Submit(t.Context(), request(func(r *call.Request) {
				r.Key = "k"
				if change != nil {
					change(r)
				}
			}))
		}
		first, repeated, err := keyed(nil)
		if err != nil || repeated {
			t.Fatal(repeated, err)
		}
		v.untilDone(first.ID)
		again, repeated, err := keyed(func(r *call.Request) { r.Origin.Remote = "192.0.2.9:4" })
		if err != nil || !repeated || again.ID != first.ID || again.State != call.Ended {
			t.Errorf("same request: %+v, %v, %v", again, repeated, err)
		}
		_, _, err = keyed(func(r *call.Request) { r.First = "101" })
		refused(t, err, originate.RefusedKeyReused)
		list, _, err := v.List(t.Context(), originate.Filter{})
		if err != nil || len(list) != 1 {
			t.Errorf("%d calls, %v", len(list), err)
		}
	})
}

func TestBatchResultsAreParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, always(call.Answered), func(_ *originate.Options, p *originate.Policy) { p.MaxBatch = 10 })
		var list []call.Request
		for i := range 9 {
			list = append(list, request(func(r *call.Request) {
				r.Key = fmt.Sprint(i / 2 * 2) // pairs share a key
				if i%4 == 3 {
					r.First = "nowhere"
				}
			}))
		}
		got, err := v.SubmitBatch(t.Context(), list)
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range got {
			switch {
			case i%4 == 3:
				refused(t, g.Err, originate.RefusedDestination)
			case i%4 == 1:
				if !g.Repeated || g.Call.ID != got[i-1].Call.ID {
					t.Errorf("request %d is a repeat: %+v", i, g)
				}
			case g.Err != nil || g.Call.ID == "" || g.Repeated:
				t.Errorf("request %d: %+v", i, g)
			}
		}
		_, err = v.SubmitBatch(t.Context(), make([]call.Request, 11))
		refused(t, err, originate.RefusedInvalid)
	})
}

// A call beside the queue that is denied is in the trail like a denied request;
// one that is allowed leaves nothing.
func TestJudgeAuditsDenials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, always(call.Answered), func(_ *originate.Options, p *originate.Policy) {
			p.Accounts["sales"] = originate.Account{Country: "DE", Deny: []string{"+4930"}}
		})
		refused(t, v.Judge(t.Context(), request(nil)), originate.RefusedGuard)
		if err := v.Judge(t.Context(), request(func(r *call.Request) { r.First = "+498912345" })); err != nil {
			t.Error(err)
		}
		trail, err := v.Audit(t.Context(), originate.AuditFilter{})
		if err != nil || len(trail) != 1 || trail[0].Accepted || trail[0].First != "+493012345" || trail[0].Origin.Remote != "192.0.2.1:1000" {
			t.Errorf("audit trail: %+v, %v", trail, err)
		}
	})
}
