package vodia_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/wire/vodia"
)

// signedVector are the values of a signature.
type signedVector struct{ User, Secret, Dest, Time, Duration, Nonce, Connect string }

// link gives the link with a signature.
func (v signedVector) link(auth string) vodia.Link {
	return vodia.Link{
		User: v.User, Dest: v.Dest, Time: v.Time, Duration: v.Duration, Nonce: v.Nonce, Connect: v.Connect == "1",
		Auth: auth, HasAuth: true, Extension: true,
	}
}

// vector is a case of vodia.json; the fields of the kinds that are run here.
type vector struct {
	ID, Kind     string
	Input, A, B  signedVector
	Concatenated string
	ToSign       string `json:"string_to_sign"`
	Param        string `json:"auth_param_after_url_decoding"`
	Raw, URI     string
	Expect       struct {
		MD5, Auth, Form, Principal, Password, Error string
		Params                                      map[string]string
		Host, Dial, Name                            *string
	}
	Request struct{ Method, Path, Query, Body string }
	Steps   []struct{ Send json.RawMessage }
}

// now is the moment at which the vectors are checked.
var now = time.Unix(1_700_000_100, 0)

// limits are the defaults of the specification (spec: vodia 13).
var limits = vodia.Limits{MaxDuration: 86_400 * time.Second, MaxSkew: 60 * time.Second}

// vectors reads vodia.json of testdata/vectors, or of the folder that DIALWRIGHT_VECTORS
// names.
func vectors(t testing.TB) []vector {
	t.Helper()
	dir := os.Getenv("DIALWRIGHT_VECTORS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "testdata", "vectors")
	}
	b, err := os.ReadFile(filepath.Join(dir, "vodia.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []vector }
	if err := json.Unmarshal(b, &file); err != nil || len(file.Cases) == 0 {
		t.Fatalf("%d cases, %v", len(file.Cases), err)
	}
	return file.Cases
}

// TestVectorsVodia runs the cases that need no server. The others are the door's, and those
// of the widget a browser's (test/peers).
func TestVectorsVodia(t *testing.T) {
	kinds := map[string]func(t *testing.T, v *vector){
		"md5": runMD5, "md5-collision": runCollision, "hs256": runV2, "credential": runCredential, "query": runQuery, "scheme": runScheme,
		"link": nil, "rest": nil, "ws": nil, "sequence": nil, "widget": nil,
	}
	ran, elsewhere := map[string]int{}, 0
	for _, v := range vectors(t) {
		run, known := kinds[v.Kind]
		switch {
		case !known:
			t.Errorf("%s is of an unknown kind, %q", v.ID, v.Kind)
		case run == nil:
			elsewhere++
		default:
			ran[v.Kind]++
			t.Run(v.ID, func(t *testing.T) { run(t, &v) })
		}
	}
	total := 0
	for kind, run := range kinds {
		if total += ran[kind]; run != nil && ran[kind] == 0 {
			t.Errorf("no case of kind %s", kind)
		}
	}
	t.Logf("%d cases ran: %v; %d run elsewhere", total, ran, elsewhere)
}

func runMD5(t *testing.T, v *vector) {
	in := v.Input
	got := vodia.SignMD5(in.User, in.Secret, in.Dest, in.Time, in.Duration)
	if got != v.Expect.MD5 {
		t.Errorf("signature %s, want %s", got, v.Expect.MD5)
	}
	if joined := in.User + in.Secret + in.Dest + in.Time + in.Duration; joined != v.Concatenated {
		t.Errorf("the vector says %q, its values %q", v.Concatenated, joined)
	}
	l := in.link(got)
	at := now.Add(-90 * time.Second) // some are valid for 30 s
	switch err := l.Verify("123@tenant.com", in.Secret, limits, at); {
	case in.Secret == "" && err != vodia.ErrCredentials:
		t.Errorf("without a secret: %v", err)
	case in.Secret != "" && err != nil:
		t.Error(err)
	}
}

// runCollision proves that the twins are twins, and that a server which has accepted the one
// does not accept the other, if it can tell (spec: vodia 4.5).
func runCollision(t *testing.T, v *vector) {
	for _, in := range []signedVector{v.A, v.B} {
		if got := vodia.SignMD5(in.User, in.Secret, in.Dest, in.Time, in.Duration); got != v.Expect.MD5 {
			t.Errorf("signature of %+v is %s, want %s", in, got, v.Expect.MD5)
		}
	}
	genuine, forged := v.A.link(v.Expect.MD5), v.B.link(v.Expect.MD5)
	at := genuine.ValidUntil()
	if err := genuine.Verify(v.A.User, v.A.Secret, limits, at); err != nil {
		t.Errorf("the genuine one: %v", err)
	}
	err := forged.Verify(v.B.User, v.B.Secret, limits, at)
	stopped := map[string]error{"vd-md5c-01": nil, "vd-md5c-02": vodia.ErrDuration, "vd-md5c-03": vodia.ErrTimeInFuture}
	if want, listed := stopped[v.ID]; listed && err != want {
		t.Errorf("the forged one: %v, want %v", err, want)
	}
	// Our own signature tells all of them apart.
	a, _ := vodia.SignV2(v.A.User, v.A.Secret, v.A.Dest, v.A.Time, v.A.Duration, "n1", false)
	b, _ := vodia.SignV2(v.B.User, v.B.Secret, v.B.Dest, v.B.Time, v.B.Duration, "n1", false)
	if a == b || a == "" || b == "" {
		t.Errorf("v2 signatures %q and %q", a, b)
	}
}

func runV2(t *testing.T, v *vector) {
	in := v.Input
	got, ok := vodia.SignV2(in.User, in.Secret, in.Dest, in.Time, in.Duration, in.Nonce, in.Connect == "1")
	if got != v.Expect.Auth || !ok {
		t.Errorf("signature %s, want %s", got, v.Expect.Auth)
	}
	if want := "c2d-v2\n" + in.User + "\n" + in.Dest + "\n" + in.Time + "\n" + in.Duration + "\n" + in.Nonce + "\n" + in.Connect; want != v.ToSign {
		t.Errorf("the vector signs %q, its values are %q", v.ToSign, want)
	}
	l := in.link(got)
	if err := l.Verify(in.User, in.Secret, limits, now); err != nil {
		t.Error(err)
	}
	l.Connect = !l.Connect
	if err := l.Verify(in.User, in.Secret, limits, now); err != vodia.ErrCredentials {
		t.Errorf("with the other flag: %v", err)
	}
}

func runCredential(t *testing.T, v *vector) {
	got, ok := vodia.ParseCredentials(v.Param)
	want := vodia.Credentials{Name: v.Expect.Principal, Password: v.Expect.Password, Plain: v.Expect.Form == "plain"}
	if ok != (v.Expect.Error == "") || got != want {
		t.Errorf("%+v, %v; want %+v, error %q", got, ok, want, v.Expect.Error)
	}
}

func runQuery(t *testing.T, v *vector) {
	l, err := vodia.ParseQuery(v.Raw)
	if v.Expect.Error != "" {
		if e, ok := errors.AsType[*vodia.Error](err); !ok || string(e.Code) != v.Expect.Error {
			t.Errorf("error %v, want %s", err, v.Expect.Error)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	params := maps.Collect(vodia.Pairs(v.Raw))
	if d := cmp.Diff(v.Expect.Params, params); d != "" {
		t.Errorf("parameters (-want +got):\n%s", d)
	}
	_, hasAuth := params["auth"]
	want := vodia.Link{
		User: params["user"], Dest: params["dest"], Auth: params["auth"], HasAuth: hasAuth, Extension: params["extension"] == "true",
		Time: params["time"], Duration: params["duration"], Connect: params["connect"] == "true",
	}
	if d := cmp.Diff(want, l); d != "" {
		t.Errorf("link (-want +got):\n%s", d)
	}
}

func runScheme(t *testing.T, v *vector) {
	l, err := vodia.ParseAppLink(v.URI)
	if v.Expect.Error != "" {
		if e, ok := errors.AsType[*vodia.Error](err); !ok || string(e.Code) != v.Expect.Error {
			t.Errorf("error %v, want %s", err, v.Expect.Error)
		}
		return
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	want := vodia.AppLink{Host: text(v.Expect.Host), Dial: text(v.Expect.Dial), Name: text(v.Expect.Name)}
	if err != nil || l != want {
		t.Errorf("%+v, %v; want %+v", l, err, want)
	}
	if again, err := vodia.ParseAppLink(l.String()); err != nil || again != l {
		t.Errorf("%s is %+v, %v", l, again, err)
	}
}
