package ari

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// facts are what the API description of Asterisk 22.10 says, names and types only
// (testdata/ari-swagger).
type facts struct {
	APIVersion     string   `json:"apiVersion"`
	SwaggerVersion string   `json:"swaggerVersion"`
	ResourcePath   string   `json:"resourcePath"`
	Documents      []string `json:"documents"`
	Operations     []factOperation
	Models         map[string]map[string]property
}

type factOperation struct {
	Nickname, Method, Path, Response, Upgrade string
	Errors                                    []int
	Params                                    []factParam
}

type factParam struct {
	Name, In, Type string
	Required, List bool
	Default        any
	Allowed        []string
	Min            *int
}

type property struct {
	Type     string
	Required bool
}

// served is the same, as our description is read by a client.
type served struct {
	APIVersion     string `json:"apiVersion"`
	SwaggerVersion string `json:"swaggerVersion"`
	ResourcePath   string `json:"resourcePath"`
	APIs           []struct {
		Path       string
		Operations []servedOperation
	}
	Models map[string]struct{ Properties map[string]property }
}

type servedOperation struct {
	HTTPMethod, Nickname, ResponseClass, Upgrade, Summary string
	Parameters                                            []servedParam
	ErrorResponses                                        []struct{ Code int }
}

type servedParam struct {
	Name, ParamType, DataType string
	Required, AllowMultiple   bool
	DefaultValue              any
	AllowableValues           struct {
		Values []string
		Min    *int
	}
}

// wanted are the differences that are meant (spec: ari 10, and what handlers really
// give beside what Asterisk documents: spec: ari 4). The key is the line about it.
var wanted = map[string]string{
	// The paths have these parameters, so they are required; Asterisk's table forgets it.
	"endpoints.listByTech: parameter tech: required true, theirs false":                "in the path",
	"endpoints.get: parameter tech: required true, theirs false":                       "in the path",
	"endpoints.get: parameter resource: required true, theirs false":                   "in the path",
	"endpoints.sendMessageToEndpoint: parameter tech: required true, theirs false":     "in the path",
	"endpoints.sendMessageToEndpoint: parameter resource: required true, theirs false": "in the path",
	"endpoints.referToEndpoint: parameter tech: required true, theirs false":           "in the path",
	"endpoints.referToEndpoint: parameter resource: required true, theirs false":       "in the path",
	// Ours.
	"model Event: property cursor: not theirs": "resuming",
	"model ApplicationResync: not theirs":      "resuming",
	// Asterisk sends these and does not describe them (spec: ari 8, RTPstat).
	"model RTPstat: property txmes: not theirs":             "sent",
	"model RTPstat: property rxmes: not theirs":             "sent",
	"model RTPstat: property local_maxmes: not theirs":      "sent",
	"model RTPstat: property local_minmes: not theirs":      "sent",
	"model RTPstat: property local_normdevmes: not theirs":  "sent",
	"model RTPstat: property local_stdevmes: not theirs":    "sent",
	"model RTPstat: property remote_maxmes: not theirs":     "sent",
	"model RTPstat: property remote_minmes: not theirs":     "sent",
	"model RTPstat: property remote_normdevmes: not theirs": "sent",
	"model RTPstat: property remote_stdevmes: not theirs":   "sent",
	// Refusals that Asterisk gives and does not document, or ours in the place of a
	// crash or a 500 (D1, D3, D14).
	"channels.originate: error 404 not theirs":          "unknown label",
	"channels.originateWithId: error 404 not theirs":    "unknown label",
	"channels.create: error 400 not theirs":             "D5",
	"channels.continueInDialplan: error 400 not theirs": "priority 0",
	"channels.move: error 400 not theirs":               "D1",
	"channels.mute: error 400 not theirs":               "direction",
	"channels.unmute: error 400 not theirs":             "direction",
	"channels.play: error 400 not theirs":               "D14",
	"channels.playWithId: error 400 not theirs":         "D14",
	"channels.rtpstatistics: error 403 not theirs":      "technology without RTP",
	"bridges.create: error 400 not theirs":              "D3, impossible type",
	"bridges.createWithId: error 400 not theirs":        "D3, impossible type",
	"bridges.destroy: error 409 not theirs":             "not a Stasis bridge",
	"bridges.setVideoSource: error 400 not theirs":      "unknown channel",
	"bridges.clearVideoSource: error 409 not theirs":    "not a Stasis bridge",
	"recordings.copyStored: error 400 not theirs":       "no name",
	"sounds.list: error 404 not theirs":                 "nothing matched",
	"sounds.get: error 404 not theirs":                  "unknown sound",
	"events.claimChannel: error 400 not theirs":         "parameter missing",
}

func readFacts(t *testing.T, name string) facts {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "ari-swagger", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var f facts
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

func serve(t *testing.T, v any) served {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var s served
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSwaggerIsWhole compares our description with Asterisk's, name by name.
func TestSwaggerIsWhole(t *testing.T) {
	used := map[string]bool{}
	for _, r := range resources() {
		ours, ok := Description(r.name, "http://localhost:8088/ari")
		if !ok {
			t.Fatalf("no description of %s", r.name)
		}
		f := readFacts(t, r.name)
		c := comparison{name: r.name}
		c.operations(f, serve(t, ours))
		c.models(f, serve(t, ours))
		for _, gap := range c.gaps {
			if _, ok := wanted[gap]; ok {
				used[gap] = true
				continue
			}
			t.Errorf("%s: %s", r.name, gap)
		}
		t.Logf("%-12s %3d/%3d operations, %3d/%3d parameters, %2d/%2d models, %3d/%3d properties", r.name,
			c.have[0], c.total[0], c.have[1], c.total[1], c.have[2], c.total[2], c.have[3], c.total[3])
	}
	for gap := range wanted {
		if !used[gap] {
			t.Errorf("wanted, but no longer so: %s", gap)
		}
	}
}

// comparison counts operations, parameters, models and properties, and names gaps.
type comparison struct {
	name        string
	have, total [4]int
	gaps        []string
}

func (c *comparison) gap(format string, args ...any) {
	c.gaps = append(c.gaps, fmt.Sprintf(format, args...))
}

// same names a difference, and reports whether there is none.
func (c *comparison) same(what string, ours, theirs any) bool {
	if cmp.Equal(ours, theirs) {
		return true
	}
	c.gap("%s %v, theirs %v", what, ours, theirs)
	return false
}

func (c *comparison) operations(f facts, s served) {
	type route struct {
		servedOperation
		path string
	}
	ours := map[string]route{}
	for _, api := range s.APIs {
		for _, o := range api.Operations {
			ours[o.Nickname] = route{o, api.Path}
		}
	}
	for _, theirs := range f.Operations {
		c.total[0]++
		c.total[1] += len(theirs.Params)
		key := c.name + "." + theirs.Nickname
		o, ok := ours[theirs.Nickname]
		if !ok {
			c.gap("%s missing", key)
			continue
		}
		delete(ours, theirs.Nickname)
		if c.same(key+": route", o.HTTPMethod+" "+o.path, theirs.Method+" "+theirs.Path) &&
			c.same(key+": response", o.ResponseClass, theirs.Response) && c.same(key+": upgrade", o.Upgrade, theirs.Upgrade) {
			c.have[0]++
		}
		c.codes(key, o.servedOperation, theirs)
		c.params(key, o.servedOperation, theirs)
	}
	for name := range ours {
		c.gap("%s.%s: not theirs", c.name, name)
	}
}

func (c *comparison) params(key string, ours servedOperation, theirs factOperation) {
	if len(ours.Parameters) > len(theirs.Params) {
		c.gap("%s: %d parameters, theirs %d", key, len(ours.Parameters), len(theirs.Params))
	}
	for _, p := range theirs.Params {
		i := slices.IndexFunc(ours.Parameters, func(o servedParam) bool { return o.Name == p.Name })
		if i < 0 {
			c.gap("%s: parameter %s missing", key, p.Name)
			continue
		}
		c.have[1]++
		o, what := ours.Parameters[i], key+": parameter "+p.Name+":"
		c.same(what+" place", o.ParamType, p.In)
		c.same(what+" type", o.DataType, p.Type)
		c.same(what+" required", o.Required, p.Required)
		c.same(what+" list", o.AllowMultiple, p.List)
		c.same(what+" default", o.DefaultValue, p.Default)
		c.same(what+" allowed", o.AllowableValues.Values, p.Allowed)
		c.same(what+" least", o.AllowableValues.Min, p.Min)
	}
}

func (c *comparison) codes(key string, ours servedOperation, theirs factOperation) {
	var codes []int
	for _, e := range ours.ErrorResponses {
		codes = append(codes, e.Code)
		if !slices.Contains(theirs.Errors, e.Code) {
			c.gap("%s: error %d not theirs", key, e.Code)
		}
	}
	for _, code := range theirs.Errors {
		if !slices.Contains(codes, code) {
			c.gap("%s: error %d missing", key, code)
		}
	}
}

func (c *comparison) models(f facts, s served) {
	for _, name := range slices.Sorted(maps.Keys(f.Models)) {
		theirs := f.Models[name]
		c.total[2]++
		c.total[3] += len(theirs)
		ours, ok := s.Models[name]
		if !ok {
			c.gap("model %s missing", name)
			continue
		}
		c.have[2]++
		for prop, p := range theirs {
			o, ok := ours.Properties[prop]
			if !ok {
				c.gap("model %s: property %s missing", name, prop)
				continue
			}
			if c.same("model "+name+": property "+prop+": type", o.Type, p.Type) && c.same("model "+name+": property "+prop+": required", o.Required, p.Required) {
				c.have[3]++
			}
		}
		for prop := range ours.Properties {
			if _, ok := theirs[prop]; !ok {
				c.gap("model %s: property %s: not theirs", name, prop)
			}
		}
	}
	for name := range s.Models {
		if _, ok := f.Models[name]; !ok {
			c.gap("model %s: not theirs", name)
		}
	}
}

// TestSwaggerDocuments looks at what a client reads first: the list, and the head of
// each document.
func TestSwaggerDocuments(t *testing.T) {
	b, err := json.Marshal(Resources(BasePath("pbx.example:8089", "/asterisk", true)))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		APIVersion, SwaggerVersion, BasePath string
		APIs                                 []struct{ Path string }
	}
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	f := readFacts(t, "resources")
	var paths []string
	for _, a := range list.APIs {
		paths = append(paths, a.Path)
	}
	if diff := cmp.Diff(f.Documents, paths); diff != "" {
		t.Errorf("documents (-theirs +ours):\n%s", diff)
	}
	if list.BasePath != "https://pbx.example:8089/asterisk/ari" || list.APIVersion != f.APIVersion || list.SwaggerVersion != f.SwaggerVersion {
		t.Errorf("head: %+v", list)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(strings.TrimPrefix(path, "/api-docs/"), ".{format}")
		d, ok := Description(name, "")
		if !ok {
			t.Errorf("no description of %s", name)
			continue
		}
		s, f := serve(t, d), readFacts(t, name)
		if s.APIVersion != f.APIVersion || s.SwaggerVersion != f.SwaggerVersion || s.ResourcePath != f.ResourcePath {
			t.Errorf("head of %s: %s %s %s", name, s.APIVersion, s.SwaggerVersion, s.ResourcePath)
		}
		if b, _ := json.Marshal(d); strings.Contains(string(b), "basePath") {
			t.Errorf("%s: there is a basePath though no host is known", name)
		}
	}
	if _, ok := Description("../../etc/passwd", ""); ok {
		t.Error("a description of a path")
	}
}

// TestSwaggerTypesAreKnown looks that every type a property or answer has is described
// somewhere, as ari-client needs.
func TestSwaggerTypesAreKnown(t *testing.T) {
	known := map[string]bool{"string": true, "int": true, "long": true, "double": true, "boolean": true, "object": true, "Date": true, "void": true, "binary": true}
	var docs []served
	for _, r := range resources() {
		d, _ := Description(r.name, "")
		docs = append(docs, serve(t, d))
		for name := range docs[len(docs)-1].Models {
			known[name] = true
		}
	}
	look := func(where, kind string) {
		inner := strings.TrimSuffix(strings.TrimPrefix(kind, "List["), "]")
		if !known[inner] {
			t.Errorf("%s: type %s is described nowhere", where, kind)
		}
	}
	for _, d := range docs {
		for name, m := range d.Models {
			for prop, p := range m.Properties {
				look(name+"."+prop, p.Type)
			}
		}
		for _, api := range d.APIs {
			for _, o := range api.Operations {
				look(o.Nickname, o.ResponseClass)
			}
		}
	}
}
