package webphone

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var required = regexp.MustCompile(`require\(['"]([^'"]+)['"]\)`)

// bundle makes one script of a module of test/node and all that it requires, as browsers can load
// it: bundle(name) is a function in it that gives the module's exports.
func bundle(t testing.TB, module string) string {
	t.Helper()
	var out strings.Builder
	out.WriteString("const files = {}, made = {};\n" +
		"const loadBundled = (f) => { if (!made[f]) { made[f] = { exports: {} }; files[f](made[f], made[f].exports); } return made[f].exports; };\n")
	seen := map[string]bool{}
	var add func(path string)
	add = func(path string) {
		if seen[path] {
			return
		}
		seen[path] = true
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		body := string(text)
		if filepath.Ext(path) == ".json" {
			body = "module.exports = " + body
		}
		body = required.ReplaceAllStringFunc(body, func(s string) string {
			to := resolve(t, filepath.Dir(path), required.FindStringSubmatch(s)[1])
			defer add(to)
			return "loadBundled(" + quoted(to) + ")"
		})
		out.WriteString("files[" + quoted(path) + "] = function (module, exports) {\n" + body + "\n};\n")
	}
	first := resolve(t, "../node", module)
	add(first)
	return out.String() + "globalThis.bundled = loadBundled(" + quoted(first) + ");\n"
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // a string always can be
	return string(b)
}

// resolve finds the file of a module as Node does, and the one for browsers where there is
// one.
func resolve(t testing.TB, dir, name string) string {
	t.Helper()
	if !strings.HasPrefix(name, ".") {
		for at := dir; ; at = filepath.Join(at, "..") {
			folder := filepath.Join(at, "node_modules", name)
			if _, err := os.Stat(folder); err == nil {
				return resolve(t, folder, main(t, folder))
			}
			if len(at) > 200 {
				t.Fatalf("%s is not below %s", name, dir)
			}
		}
	}
	path := filepath.Join(dir, name)
	for _, end := range []string{"", ".js", "/index.js"} {
		if f, err := os.Stat(path + end); err == nil && !f.IsDir() {
			return path + end
		}
	}
	t.Fatalf("%s is not in %s", name, dir)
	return ""
}

// main is what the package in a folder begins with.
func main(t testing.TB, folder string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var p struct{ Main, Browser any }
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{p.Browser, p.Main} {
		if file, ok := v.(string); ok {
			return "./" + file
		}
	}
	return "./index.js"
}
