package ari

import (
	"cmp"
	"context"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// asteriskOperations are those of the resource asterisk (spec: ari 4).
func (s *Server) asteriskOperations() map[string]operation {
	return map[string]operation{
		"asterisk.getInfo":      s.getInfo,
		"asterisk.ping":         s.ping,
		"asterisk.getGlobalVar": s.getGlobalVar,
		"asterisk.setGlobalVar": s.setGlobalVar,

		"asterisk.listModules":  s.listModules,
		"asterisk.getModule":    s.getModule,
		"asterisk.loadModule":   s.loadModule,
		"asterisk.unloadModule": s.unloadModule,
		"asterisk.reloadModule": s.reloadModule,

		"asterisk.listLogChannels": s.listLogChannels,
		"asterisk.addLog":          s.addLog,
		"asterisk.deleteLog":       s.deleteLog,
		"asterisk.rotateLog":       s.rotateLog,

		"asterisk.getObject":    s.getObject,
		"asterisk.updateObject": s.updateObject,
		"asterisk.deleteObject": s.deleteObject,
	}
}

// getInfo tells about the server: all sections, or those that are asked for. Names
// of sections that there are not do not matter (spec: ari 4).
func (s *Server) getInfo(_ context.Context, q *request) (response, error) {
	only := q.params.List("only")
	wants := func(section string) bool { return len(only) == 0 || slices.Contains(only, section) }
	var info wire.AsteriskInfo
	if wants("build") {
		info.Build = buildInfo()
	}
	if wants("system") {
		info.System = &wire.SystemInfo{Version: s.o.Version, EntityID: s.o.EntityID}
	}
	if wants("config") {
		info.Config = &wire.ConfigInfo{DefaultLanguage: cmp.Or(s.o.Language, "en")}
	}
	if wants("status") {
		info.Status = s.statusInfo()
	}
	return ok(info), nil
}

// buildInfo says how this program was built, as far as it knows itself.
func buildInfo() *wire.BuildInfo {
	b := &wire.BuildInfo{
		OS: strings.ToUpper(runtime.GOOS[:1]) + runtime.GOOS[1:], Kernel: "unknown", Machine: runtime.GOARCH,
		Options: runtime.Version(), Date: "unknown", User: "unknown",
	}
	if info, read := debug.ReadBuildInfo(); read {
		for _, set := range info.Settings {
			if set.Key == "vcs.time" {
				b.Date = set.Value
			}
		}
	}
	return b
}

func (s *Server) statusInfo() *wire.StatusInfo {
	reloaded := s.o.Started
	if s.o.Reloaded != nil {
		if at := s.o.Reloaded(); !at.IsZero() {
			reloaded = at
		}
	}
	return &wire.StatusInfo{StartupTime: wire.Date(s.o.Started), LastReloadTime: wire.Date(reloaded)}
}

func (s *Server) ping(context.Context, *request) (response, error) {
	return ok(wire.AsteriskPing{AsteriskID: s.o.EntityID, Ping: "pong", Timestamp: wire.Date(time.Now()).String()}), nil
}

// getGlobalVar gives a global variable, "" if it is not set.
func (s *Server) getGlobalVar(ctx context.Context, q *request) (response, error) {
	name := q.params.String("variable")
	if name == "" {
		return response{}, errNoVariableName
	}
	var value string
	if s.o.Globals != nil {
		value = s.o.Globals.Global(ctx, name)
	}
	return ok(wire.Variable{Value: value}), nil
}

// setGlobalVar sets a global variable. Without a value it becomes "".
func (s *Server) setGlobalVar(ctx context.Context, q *request) (response, error) {
	name := q.params.String("variable")
	switch {
	case name == "":
		return response{}, errNoVariableName
	case s.o.Globals == nil:
		return response{}, wire.Errorf(http.StatusNotImplemented, "This server has no dialplan")
	}
	if err := s.o.Globals.SetGlobal(ctx, name, q.params.String("value")); err != nil {
		return response{}, err
	}
	return noContent(), nil
}
