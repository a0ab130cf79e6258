package ari

import (
	"context"
	"net/http"
	"slices"
	"strings"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// What Asterisk has as modules, log channels and dynamic configuration. Our server is
// one piece: its parts are there under the names of the modules whose work they do,
// and can neither be loaded nor unloaded.

// builtIn are the parts that are always there, by name.
var builtIn = [...]struct{ name, about string }{
	{"app_dial.so", "Dialling from the dialplan"},
	{"app_playback.so", "Playing sounds from the dialplan"},
	{"app_record.so", "Recording from the dialplan"},
	{"app_stasis.so", "Giving channels from the dialplan to applications"},
	{"bridge_holding.so", "Bridges whose channels wait"},
	{"bridge_native_rtp.so", "Bridges of two channels with one codec"},
	{"bridge_simple.so", "Bridges of two channels"},
	{"bridge_softmix.so", "Bridges of many channels"},
	{"format_gsm.so", "Sound files with GSM"},
	{"format_pcm.so", "Sound files with A-law and µ-law"},
	{"format_sln.so", "Sound files with linear samples"},
	{"format_wav.so", "Sound files in WAV"},
	{"pbx_config.so", "The dialplan"},
	{"pbx_spool.so", "Call files"},
	{"res_ari.so", "The REST interface for applications"},
	{"res_ari_applications.so", "REST resource applications"},
	{"res_ari_asterisk.so", "REST resource asterisk"},
	{"res_ari_bridges.so", "REST resource bridges"},
	{"res_ari_channels.so", "REST resource channels"},
	{"res_ari_device_states.so", "REST resource deviceStates"},
	{"res_ari_endpoints.so", "REST resource endpoints"},
	{"res_ari_events.so", "REST resource events"},
	{"res_ari_mailboxes.so", "REST resource mailboxes"},
	{"res_ari_playbacks.so", "REST resource playbacks"},
	{"res_ari_recordings.so", "REST resource recordings"},
	{"res_ari_sounds.so", "REST resource sounds"},
	{"res_http_websocket.so", "WebSockets"},
	{"res_musiconhold.so", "Music on hold"},
	{"res_rtp_asterisk.so", "RTP"},
	{"res_stasis.so", "Applications"},
}

// ofTechnology are parts that are there with a technology of the switch.
var ofTechnology = [...]struct{ technology, name, about string }{
	{"PJSIP", "chan_pjsip.so", "Channels over SIP"},
	{"PJSIP", "res_pjsip.so", "SIP"},
	{"PJSIP", "res_pjsip_registrar.so", "Registrations of phones"},
	{"UnicastRTP", "chan_rtp.so", "Channels of bare RTP"},
	{"AudioSocket", "chan_audiosocket.so", "Channels over AudioSocket"},
	{"WebSocket", "chan_websocket.so", "Channels over WebSockets"},
}

// modules lists what there is, by name.
func (s *Server) modules() []wire.Module {
	list := make([]wire.Module, 0, len(builtIn)+len(ofTechnology))
	add := func(name, about string) {
		list = append(list, wire.Module{Name: name, Description: about, Status: "Running", SupportLevel: "core"})
	}
	for _, m := range builtIn {
		add(m.name, m.about)
	}
	for _, m := range ofTechnology {
		if s.hasTechnology(m.technology) {
			add(m.name, m.about)
		}
	}
	slices.SortFunc(list, func(a, b wire.Module) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (s *Server) module(name string) (wire.Module, bool) {
	list := s.modules()
	i, found := slices.BinarySearchFunc(list, name, func(m wire.Module, name string) int { return strings.Compare(m.Name, name) })
	if !found {
		return wire.Module{}, false
	}
	return list[i], true
}

func (s *Server) listModules(context.Context, *request) (response, error) {
	return ok(s.modules()), nil
}

func (s *Server) getModule(_ context.Context, q *request) (response, error) {
	m, found := s.module(q.path["moduleName"])
	if !found {
		return response{}, wire.Errorf(http.StatusNotFound, "Module could not be found in running modules")
	}
	return ok(m), nil
}

// loadModule refuses: what there is runs already, and nothing else can be loaded.
func (s *Server) loadModule(context.Context, *request) (response, error) {
	return response{}, wire.Errorf(http.StatusConflict, "Module could not be loaded")
}

func (s *Server) unloadModule(_ context.Context, q *request) (response, error) {
	if _, found := s.module(q.path["moduleName"]); !found {
		return response{}, errNotRunning
	}
	return response{}, wire.Errorf(http.StatusConflict, "Module could not be unloaded")
}

var errNotRunning = wire.Errorf(http.StatusNotFound, "Module not found in running modules")

// reloadModule reads the whole configuration again, whichever module is named.
func (s *Server) reloadModule(ctx context.Context, q *request) (response, error) {
	name := q.path["moduleName"]
	if _, found := s.module(name); !found {
		return response{}, errNotRunning
	}
	refused := wire.Errorf(http.StatusConflict, "Module could not be reloaded")
	if s.o.Reload == nil {
		return response{}, refused
	}
	if err := s.o.Reload(ctx); err != nil {
		s.log.Warn("configuration not reloaded", "module", name, "error", err)
		return response{}, refused
	}
	return noContent(), nil
}

// console is the one place that our log goes to, as Asterisk would call it: it is
// chosen when the server starts, and not changed here.
var console = wire.LogChannel{Channel: "console", Type: "Console", Status: "Enabled", Configuration: "NOTICE WARNING ERROR "}

func (s *Server) listLogChannels(context.Context, *request) (response, error) {
	return ok([]wire.LogChannel{console}), nil
}

func (s *Server) addLog(_ context.Context, q *request) (response, error) {
	if q.params.String("configuration") == "" {
		return response{}, missingParameter("configuration")
	}
	return response{}, wire.Errorf(http.StatusConflict, "Log channel could not be created")
}

func (s *Server) deleteLog(_ context.Context, q *request) (response, error) {
	if q.path["logChannelName"] != console.Channel {
		return response{}, errNoLog
	}
	return response{}, wire.Errorf(http.StatusConflict, "Log channel could not be deleted")
}

var errNoLog = wire.Errorf(http.StatusNotFound, "Log channel does not exist")

// rotateLog has nothing to do for a console, as in Asterisk.
func (s *Server) rotateLog(_ context.Context, q *request) (response, error) {
	if q.path["logChannelName"] != console.Channel {
		return response{}, errNoLog
	}
	return noContent(), nil
}

// objectTypes are the configuration objects that an Asterisk with its SIP modules
// knows. Here they come from the configuration only and can be neither read nor
// changed, as those of an Asterisk whose sorcery has no wizard that writes.
var objectTypes = [...]string{
	"res_pjsip/aor", "res_pjsip/auth", "res_pjsip/contact", "res_pjsip/domain_alias", "res_pjsip/endpoint", "res_pjsip/global",
	"res_pjsip/system", "res_pjsip/transport", "res_pjsip_endpoint_identifier_ip/identify", "res_pjsip_outbound_registration/registration",
}

// objectType refuses a class or type that there is not.
func objectType(q *request) error {
	class, kind := q.path["configClass"], q.path["objectType"]
	known := false
	for _, t := range objectTypes {
		if t == class+"/"+kind {
			return nil
		}
		known = known || strings.HasPrefix(t, class+"/")
	}
	if !known {
		return wire.Errorf(http.StatusNotFound, "configClass '%s' not found", class)
	}
	return wire.Errorf(http.StatusNotFound, "objectType '%s' not found", kind)
}

func (s *Server) getObject(_ context.Context, q *request) (response, error) {
	if err := objectType(q); err != nil {
		return response{}, err
	}
	return response{}, errNoObject(q)
}

func errNoObject(q *request) error {
	return wire.Errorf(http.StatusNotFound, "Object type '%s' with id '%s' not found", q.path["objectType"], q.path["id"])
}

func (s *Server) updateObject(_ context.Context, q *request) (response, error) {
	if err := objectType(q); err != nil {
		return response{}, err
	}
	if _, err := q.params.Fields(); err != nil {
		return response{}, err
	}
	return response{}, wire.Errorf(http.StatusForbidden, "Could not create or update object: the configuration is read from files only")
}

func (s *Server) deleteObject(_ context.Context, q *request) (response, error) {
	if err := objectType(q); err != nil {
		return response{}, err
	}
	return response{}, wire.Errorf(http.StatusForbidden, "Could not delete object: the configuration is read from files only")
}
