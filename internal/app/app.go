package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dialwright/dialwright/internal/apikey"
	"github.com/dialwright/dialwright/internal/bulk"
	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/devstate"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/ami"
	"github.com/dialwright/dialwright/internal/door/ari"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/door/cli"
	"github.com/dialwright/dialwright/internal/door/console"
	"github.com/dialwright/dialwright/internal/door/ctl"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/extmedia"
	"github.com/dialwright/dialwright/internal/hint"
	"github.com/dialwright/dialwright/internal/link"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/recordings"
	"github.com/dialwright/dialwright/internal/seal"
	"github.com/dialwright/dialwright/internal/sip"
	"github.com/dialwright/dialwright/internal/snoop"
	"github.com/dialwright/dialwright/internal/stasis"
	"github.com/dialwright/dialwright/internal/store/sqlite"
	"github.com/dialwright/dialwright/internal/usercall"
	"github.com/dialwright/dialwright/internal/webrtc"
)

// Options say what to serve.
type Options struct {
	Source
	Adjust  func(*config.Config) // changes every loaded configuration before it is used (demo, tests); nil = nothing
	Log     io.Writer            // where the log goes; nil = nowhere
	Version string               // shown in stats and the User-Agent
}

// Ready says where a started server can be reached.
type Ready struct {
	HTTP    string   // "http://127.0.0.1:8088", "" when switched off
	SIP     []string // "udp:127.0.0.1:5060"
	AMI     string   // "127.0.0.1:5038", "" when switched off
	DataDir string
	MaxLive int // attempts at once
}

// App is a server. Start and Stop may be called once each; Stop also before
// Start.
type App struct {
	o          Options
	log        *slog.Logger
	level      *slog.LevelVar
	loaded     config.Loaded // at the start; what needs a restart is compared with it
	budget     budget
	started    time.Time
	stack      stack
	running    atomic.Bool // there is something to drain
	stopping   atomic.Bool
	restarting atomic.Bool // it is to start again
	stopOnce   sync.Once
	stopErr    error
	failed     chan error // a door's server that broke

	conf      atomic.Pointer[config.Config]
	files     atomic.Pointer[[]string] // that conf was read from
	policy    atomic.Pointer[originate.Policy]
	reloading sync.Mutex // one reload at a time

	router     router
	keys       *auth.Keys
	keyBook    *apikey.Book
	store      *sqlite.Store
	media      *media.Engine
	pbx        *pbx.Switch
	machine    *run.Machine
	contexts   atomic.Pointer[dialplan.Plan]      // in force, for whoever asks before there is a machine
	findings   atomic.Pointer[[]dialplan.Problem] // in that plan
	devices    *devstate.Table
	hints      *hint.Table
	hub        *stasis.Hub
	snoop      *snoop.Technology
	extmedia   *extmedia.Media
	recordings *os.Root          // of what applications record
	tapes      *recordings.Table // what is recorded of calls
	ledger     *ledger
	ari        *ari.Server // nil: switched off
	ariConfig  atomic.Pointer[ari.Config]
	ami        *ami.Server // nil: switched off
	amiConfig  atomic.Pointer[ami.Config]
	shell      *cli.Shell // of the CLI dialect
	ends       ending
	reloadedAt atomic.Pointer[time.Time]
	engine     *pbx.Engine
	sip        *sip.Technology
	browsers   *webrtc.Server       // nil: browsers are no phones here
	usercalls  *usercall.Table      // what each phone does
	box        *seal.Box            // seals secrets that must be readable
	people     *directory.Directory // for whom calls are made
	links      *link.Book           // nil: switched off
	imports    *bulk.Book           // lists that are called
	clicks     []*tally             // doors by which people click
	console    *console.Door        // nil: switched off
	originator *originate.Originator
	rest       *rest.Server
	httpAddr   net.Addr
}

// New loads and checks the configuration. Nothing is opened. The error is a
// config.Mistakes if the files are wrong.
func New(o Options) (*App, error) {
	a := &App{o: o, level: new(slog.LevelVar), failed: make(chan error, 2)}
	l, err := a.load()
	if err != nil {
		return nil, err
	}
	a.loaded = l
	a.conf.Store(&l.Config)
	a.files.Store(&l.Files)
	a.log = newLog(o.Log, l.Config.Server.LogFormat, a.level)
	a.setLevel(&l.Config)
	ac, err := ariConfig(&l.Config)
	if err != nil {
		return nil, err
	}
	a.ariConfig.Store(ac)
	mc, err := amiConfig(&l.Config)
	if err != nil {
		return nil, err
	}
	a.amiConfig.Store(mc)
	table, err := routes(&l.Config, a.hasContext)
	if err != nil {
		return nil, err
	}
	a.router.table.Store(table)
	a.policy.Store(policy(&l.Config))
	a.router.policy = a.policy.Load
	a.keys, err = auth.NewKeys(keys(&l.Config))
	return a, err
}

func (a *App) load() (config.Loaded, error) {
	l, err := a.o.Source.Load()
	if err == nil && a.o.Adjust != nil {
		a.o.Adjust(&l.Config)
	}
	return l, err
}

// Config gives the configuration in force. It must not be changed.
func (a *App) Config() *config.Config { return a.conf.Load() }

// Start opens everything. When it fails, what was opened has been closed.
func (a *App) Start(ctx context.Context) (Ready, error) {
	a.started = time.Now().UTC()
	for _, w := range a.loaded.Warnings {
		a.log.WarnContext(ctx, "configuration", "warning", w.String())
	}
	steps := []struct {
		name  string
		start func(context.Context) error
	}{
		{"data directory", a.openData},
		{"media", a.startMedia},
		{"switch", a.startSwitch},
		{"originator", a.startOriginator},
		{"doors", a.startDoors},
		{"call files", a.startCallfile},
		{"configuration watcher", a.startWatcher},
	}
	for _, s := range steps {
		if err := s.start(ctx); err != nil {
			err = fmt.Errorf("start %s: %w", s.name, err)
			return Ready{}, errors.Join(err, a.Stop(ctx))
		}
	}
	r := a.ready()
	a.log.InfoContext(ctx, "serving", "http", r.HTTP, "sip", r.SIP, "data_dir", r.DataDir, "max_calls", r.MaxLive, "version", a.o.Version)
	return r, nil
}

func (a *App) ready() Ready {
	r := Ready{DataDir: a.Config().Server.DataDir, MaxLive: a.budget.MaxLive}
	if a.httpAddr != nil {
		scheme := "http://"
		if a.Config().HTTP.TLSCert != "" {
			scheme = "https://"
		}
		r.HTTP = scheme + a.httpAddr.String()
	}
	if a.ami != nil {
		for _, addr := range a.ami.Addrs() {
			r.AMI = cmp.Or(r.AMI, addr.String())
		}
	}
	for _, l := range a.sip.Listeners() {
		r.SIP = append(r.SIP, string(l.Transport)+":"+l.Addr.String())
	}
	return r
}

// openData makes the data directory and opens the store, which also keeps a
// second server out.
func (a *App) openData(ctx context.Context) error {
	dir := a.Config().Server.DataDir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%w; set server.data_dir to a directory that can be written", err)
	}
	a.budget = a.claim()
	var err error
	a.store, err = sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir, "dialwright.db"), Log: a.log})
	if errors.Is(err, sqlite.ErrInUse) {
		return fmt.Errorf("another server is running with %s; stop it or give this one its own with --data-dir: %w", dir, err)
	}
	if err != nil {
		return err
	}
	a.stack.push("store", func(context.Context) error { return a.store.Close() })
	a.importAstDB(ctx)
	if err := a.openKeys(ctx); err != nil {
		return err
	}
	return a.openDirectory(ctx)
}

// claim shares out descriptors and RTP ports.
func (a *App) claim() budget {
	c := a.Config()
	want := c.Limits.Channels
	if ports := (c.Media.PortMax - c.Media.PortMin + 1) / 4; want == 0 || want > ports {
		want = ports // a call has two legs, each needs a pair
	}
	return claimFiles(a.log, want, c.HTTP.MaxStreams)
}

func (a *App) startMedia(ctx context.Context) error {
	c := a.Config()
	bind, advertise := mediaAddrs(c)
	var err error
	a.media, err = media.New(media.Config{Bind: bind, Advertise: advertise, PortMin: c.Media.PortMin, PortMax: c.Media.PortMax, Log: a.log})
	if err != nil {
		return err
	}
	if err := a.media.Start(ctx); err != nil {
		return err
	}
	a.stack.push("media", a.media.Stop)
	return nil
}

func (a *App) startSwitch(ctx context.Context) error {
	c := a.Config()
	sounds, err := a.openSounds()
	if err != nil {
		return err
	}
	files, err := a.fileRoots()
	if err != nil {
		return err
	}
	if err := a.openRecordings(); err != nil {
		return err
	}
	if err := a.newTapes(); err != nil {
		return err
	}
	a.pbx = pbx.New(pbx.Options{
		Media: a.media, Log: a.log, Router: &a.router, Admit: a.admit,
		Country: strings.ToLower(c.Numbers.Country), SystemName: c.Server.Node, RingTime: c.Originate.SecondWait.Duration,
		RTPTimeout: c.Media.Timeout.Duration, Sounds: sounds, Files: files, MusicOn: "music:", Music: a.music, Recordings: a.recordings, Recorded: a.tapes.Recorded,
	})
	a.devices = devstate.New(devstate.Options{Switch: a.pbx, Log: a.log, DB: a.store})
	a.newHub()
	sc, err := sipConfig(c, a.userAgent())
	if err != nil {
		return err
	}
	if err := a.startBrowsers(ctx); err != nil {
		return err
	}
	sc.BrowserAddr = a.browserAddr()
	registrations := sip.NewBindingFile(filepath.Join(c.Server.DataDir, "registrations.json"), a.log)
	a.stack.push("registrations", func(context.Context) error { return registrations.Close() })
	a.sip, err = sip.New(sc, a.media, a.pbx, sip.Options{
		Log: a.log, Follow: a.follow, Bindings: registrations, Watch: a.devices.Endpoint, Message: a.textMessage,
		Browsers: a.browsers, Identify: a.identify, WebSocketOrigins: c.HTTP.TrustedOrigins,
	})
	if err != nil {
		return err
	}
	if err := a.newMachine(ctx); err != nil {
		return err
	}
	a.engine = pbx.NewEngineWith(a.pbx, pbx.EngineOptions{RingTime: c.Originate.SecondWait.Duration, Compat: c.Callfile.Compat == "asterisk22"})
	a.newUsercalls()
	a.originator = originate.New(originate.Options{
		Store: a.store, Engine: a.usercalls.Engine(a.engine), Router: &a.router, Policy: a.policy.Load, Known: known(a.machine),
		Node: a.node(), Log: a.log, MaxLive: a.budget.MaxLive, Recorded: a.tellRecord,
		Keep: originate.Keep{
			Calls: c.Retention.Calls.Duration, CDRs: c.Retention.CDRs.Duration,
			Events: c.Retention.Events.Duration, Audit: c.Retention.Audit.Duration,
		},
	})
	a.pbx.Register(a.sip)
	a.pbx.Register(local.NewWith(a.pbx, local.Options{Exists: a.localExists, Fixed: a.callerFixed}))
	a.pbx.Register(pretend.New(pretend.Options{Media: a.media})) // routing refuses it unless sip.allow_pretend
	a.snoop = snoop.New(a.pbx)
	a.pbx.Register(a.snoop)
	a.extmedia = extmedia.New(extmedia.Config{Switch: a.pbx, Engine: a.media, Log: a.log, Clients: mediaClients(a.ariConfig.Load())})
	for _, t := range a.extmedia.Technologies() {
		a.pbx.Register(t)
	}
	a.ledger = newLedger(a.recordAndTell, runner{a, a.machine.Runner()}.Record, a.log)
	go a.ledger.run()
	a.stack.push("ledger", a.ledger.stop)
	if err := a.devices.Start(ctx); err != nil {
		return err
	}
	a.stack.push("device states", a.devices.Stop)
	a.tapes.Start(a.pbx)
	a.stack.push("list of recordings", a.tapes.Stop)
	if err := a.pbx.Start(ctx); err != nil {
		return err
	}
	a.stack.push("switch", a.pbx.Stop)
	a.stack.push("external media", func(context.Context) error {
		a.extmedia.Stop()
		return nil
	})
	if err := a.sip.Start(ctx); err != nil {
		if _, ok := errors.AsType[*net.OpError](err); ok {
			return fmt.Errorf("%w; another SIP server may be running: change sip.listen or stop it", err)
		}
		return err
	}
	a.stack.push("sip", a.sip.Stop)
	return nil
}

// openSounds opens the directory of sound files. Names cannot lead out of it.
func (a *App) openSounds() (fs.FS, error) {
	dir := a.soundsDir()
	if a.Config().Media.Sounds == "" { // ours: it is there for what calls record
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("media.sounds: %w", err)
	}
	a.stack.push("sounds", func(context.Context) error { return root.Close() })
	return root.FS(), nil
}

// soundsDir is where sounds lie, and where Record puts what is named without a path.
func (a *App) soundsDir() string {
	c := a.Config()
	return cmp.Or(c.Media.Sounds, filepath.Join(c.Server.DataDir, "sounds"))
}

func (a *App) userAgent() string {
	ua := a.Config().SIP.UserAgent
	if a.o.Version != "" && ua == "Dialwright" {
		ua += "/" + a.o.Version
	}
	return ua
}

func (a *App) node() string {
	if n := a.Config().Server.Node; n != "" {
		return n
	}
	if n, err := os.Hostname(); err == nil && n != "" {
		return n
	}
	return "node"
}

func (a *App) startOriginator(ctx context.Context) error {
	if err := a.startUsercalls(ctx); err != nil {
		return err
	}
	if err := a.originator.Start(ctx); err != nil {
		return err
	}
	a.stack.push("originator", a.originator.Stop)
	a.running.Store(true)
	return nil
}

func (a *App) startDoors(ctx context.Context) error {
	c := a.Config()
	if err := a.startARI(ctx); err != nil {
		return err
	}
	if err := a.startHints(ctx); err != nil {
		return err
	}
	a.shell = a.newShell()
	if err := a.startLinks(ctx); err != nil {
		return err
	}
	if err := a.startImports(ctx); err != nil {
		return err
	}
	if err := a.newConsole(); err != nil {
		return err
	}
	var err error
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(doorCollector{a})
	a.rest, err = rest.New(rest.Options{
		Calls: &calls{
			o: a.originator, media: a.media, sip: a.sip, node: a.node(), version: a.o.Version, started: a.started, maxLive: a.budget.MaxLive,
		},
		Endpoints: endpoints{a}, Tester: endpoints{a}, Plans: newPlans(a), Doors: doors{a}, Setup: setup{a}, KeyBook: a.keyBook, Live: live{a.pbx}, Routes: a, Control: a, Keys: a.keys, Commands: cliCommands{a.shell}, DB: a.store, Links: a.restLinks(), Imports: a.imports, Users: restUsers{a.people, a}, History: history{a.originator, a.tapes}, Sessions: a.restSessions(), Webphones: a.restWebphones(), Log: a.log, Node: a.node(), Version: a.o.Version,
		TrustedOrigins: c.HTTP.TrustedOrigins, MaxBody: c.HTTP.MaxBody, MaxStreams: a.budget.Streams, MetricsAccess: c.HTTP.Metrics, Metrics: metrics,
	})
	if err != nil {
		return err
	}
	if err := a.startAMI(ctx); err != nil {
		return err
	}
	if err := a.startAsteriskSocket(ctx); err != nil {
		return err
	}
	sock, err := ctl.Listen(c.Server.DataDir)
	if err != nil {
		return err
	}
	near, far := newConnections(httpConns+a.budget.Streams), newConnections(a.budget.Conns+a.budget.Streams)
	var web net.Listener
	if c.HTTP.Listen != "" {
		if web, err = listenHTTP(ctx, c, far); err != nil {
			return errors.Join(err, sock.Close())
		}
		a.httpAddr = web.Addr()
	}
	pages := a.fronts(a.webHandler())
	a.serve("control socket", near.listener(sock), near, ctl.Handler(a.rest))
	if web != nil {
		a.serve("http", web, far, pages)
	}
	a.stack.push("event streams", a.rest.Stop)
	return nil
}

// serve runs an HTTP server on l, which bounds its connections by all, until it is torn
// down.
func (a *App) serve(name string, l net.Listener, all *connections, h http.Handler) {
	srv := &http.Server{
		Handler: h, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
	}
	all.serve(srv)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			select {
			case a.failed <- fmt.Errorf("%s: %w", name, err):
			default: // one reason is enough
			}
		}
	}()
	a.stack.push(name, func(ctx context.Context) error {
		err := srv.Shutdown(ctx)
		if err != nil {
			err = errors.Join(err, srv.Close())
		}
		<-done
		return err
	})
}
