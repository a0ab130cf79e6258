package funcs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// kept are CHANNEL() items that can be written and read back and that change
// nothing here: their features do not exist (yet), old dialplans set them all the same.
type kept struct {
	mu    sync.Mutex // guards items
	items map[string]string
}

func keptOf(x *run.Exec) *kept {
	return x.Value("channel items", func() any { return &kept{items: make(map[string]string)} }).(*kept)
}

func (k *kept) get(name string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if v, ok := k.items[name]; ok {
		return v
	}
	return keptDefault(name)
}

func (k *kept) set(name, value string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.items[name] = value
}

// keptDefault is what an item is that nobody has set (Asterisk: max_forwards.c,
// func_channel.c).
func keptDefault(name string) string {
	switch name {
	case "max_forwards":
		return "20"
	case "transfercapability":
		return "SPEECH"
	}
	return ""
}

// isKept says whether an item is one of those.
func isKept(name string) bool {
	switch name {
	case "musicclass", "tonezone", "parkinglot", "callgroup", "pickupgroup", "namedcallgroup", "namedpickupgroup",
		"hangupsource", "tenantid", "max_forwards", "dtmf_features", "trace", "transfercapability", "caller_url", "buffers", "digitdetect",
		"faxdetect", "echocan_mode":
		return true
	}
	return false
}

// readChannel is CHANNEL(item[,sub]) (spec: dialplan 6.1 CHANNEL). An item that
// is unknown, or that the technology does not have, is a warning and empty.
func readChannel(_ context.Context, x *run.Exec, args string) (string, error) {
	a := dialplan.SplitArgs(args)
	if len(a) == 0 {
		return "", errors.New("CHANNEL needs the name of an item")
	}
	item := strings.ToLower(strings.TrimSpace(a[0]))
	sub := ""
	if len(a) > 1 {
		sub = strings.ToLower(strings.TrimSpace(a[1]))
	}
	c := x.Channel()
	for _, look := range []func() (string, bool){
		func() (string, bool) { return channelItem(x, item) },
		func() (string, bool) { return accountingItem(x, item) },
		func() (string, bool) { return mediaItem(c, item, sub) },
		func() (string, bool) { return legItem(c, item, sub) },
	} {
		if v, ok := look(); ok {
			return v, nil
		}
	}
	if isKept(item) {
		return keptOf(x).get(item), nil
	}
	return "", fmt.Errorf("unknown or unavailable item requested: %q", args)
}

// channelItem gives what the switch knows of the channel.
func channelItem(x *run.Exec, item string) (string, bool) {
	sn := x.Channel().Snapshot()
	switch item {
	case "state":
		return sn.State.String(), true
	case "name", "channame":
		return sn.Name, true
	case "uniqueid":
		return sn.ID, true
	case "linkedid", "callid":
		return sn.LinkedID, true
	case "language":
		return sn.Language, true
	case "channeltype":
		return sn.Technology, true
	case "context":
		return x.Position().Context, true
	case "exten":
		return x.Position().Exten, true
	case "priority":
		return strconv.Itoa(x.Position().Priority), true
	case "lastcontext":
		where, _ := x.Before()
		return where, true
	case "lastexten":
		_, exten := x.Before()
		return exten, true
	case "appname":
		return sn.App, true
	case "appdata":
		return sn.AppData, true
	case "checkhangup":
		return oneOrZero(x.Channel().Context().Err() != nil), true
	case "onhold":
		return oneOrZero(sn.Held), true
	case "hangupsource":
		if r, over := x.Channel().Result(); over && r.ByPeer {
			return sn.Name, true
		}
	}
	return "", false
}

// accountingItem gives what is kept for the record.
func accountingItem(x *run.Exec, item string) (string, bool) {
	switch item {
	case "accountcode":
		return x.CDR().Copy().AccountCode, true
	case "peeraccount":
		return x.CDR().Copy().PeerAccount, true
	case "userfield":
		return x.CDR().Copy().UserField, true
	case "amaflags":
		return strconv.Itoa(amaNumber(x.CDR().Copy().AMAFlags)), true
	}
	return "", false
}

// mediaItem gives codec and quality.
func mediaItem(c *pbx.Channel, item, sub string) (string, bool) {
	switch item {
	case "audionativeformat": // a list (Asterisk: format_cap.c)
		return "(" + cmp.Or(audioFormat(c), "nothing") + ")", true
	case "audioreadformat", "audiowriteformat":
		return audioFormat(c), true
	case "videonativeformat", "videoreadformat", "videowriteformat":
		return "", true
	case "rtcp":
		s := c.MediaStats()
		switch sub {
		case "rxcount":
			return strconv.FormatUint(s.PacketsIn, 10), true
		case "txcount":
			return strconv.FormatUint(s.PacketsOut, 10), true
		case "rxploss":
			return strconv.FormatUint(s.Lost, 10), true
		case "rxjitter":
			return strconv.FormatFloat(s.Jitter.Seconds(), 'f', 6, 64), true
		}
	}
	return "", false
}

// audioFormat names the codec of the channel, "" if it has no media yet.
func audioFormat(c *pbx.Channel) string {
	if p := c.Port(); p != nil {
		if f, ok := p.Format(); ok {
			return codecName(f.Codec)
		}
	}
	return ""
}

// codecName gives Asterisk's name of a codec, without its brackets.
func codecName(codec string) string {
	switch strings.ToUpper(codec) {
	case "PCMU":
		return "ulaw"
	case "PCMA":
		return "alaw"
	}
	return strings.ToLower(codec)
}

// legItem gives what the technology knows of the peer.
func legItem(c *pbx.Channel, item, sub string) (string, bool) {
	d := c.Leg().Describe()
	transport, address, _ := strings.Cut(d.Peer, ":")
	switch item {
	case "peerip", "recvip":
		host, _, err := net.SplitHostPort(address)
		return host, err == nil
	case "peername", "endpoint":
		return d.Name, true
	case "useragent":
		v := c.Leg().Header("User-Agent")
		return v, v != ""
	case "pjsip":
		switch sub {
		case "call-id":
			return d.CallID, true
		case "remote_addr":
			return address, true
		case "secure":
			return oneOrZero(strings.EqualFold(transport, "tls") || strings.EqualFold(transport, "wss")), true
		case "t38state":
			return "DISABLED", true
		}
	}
	return "", false
}

// writeChannel is CHANNEL(item)=value.
func writeChannel(ctx context.Context, x *run.Exec, args, value string) error {
	item := strings.ToLower(strings.TrimSpace(args))
	switch item {
	case "language":
		return alive(x.Channel().SetLanguage(value))
	case "accountcode", "peeraccount", "amaflags", "userfield":
		r := x.CDR()
		r.Lock()
		defer r.Unlock()
		setAccounting(r, item, value)
		return nil
	case "hangup_handler_push":
		return pushHandler(ctx, x, value)
	case "hangup_handler_pop":
		x.PopHangupHandler()
		return pushHandler(ctx, x, value)
	case "hangup_handler_wipe":
		x.WipeHangupHandlers()
		return pushHandler(ctx, x, value)
	case "rxgain", "txgain":
		return errNoGain
	}
	if isKept(item) {
		keptOf(x).set(item, value)
		return nil
	}
	return fmt.Errorf("unknown or unavailable item: %q", args)
}

// pushHandler adds a hangup handler "[[context,]exten,]priority[(args)]" as it is
// understood where the channel is now; "" adds none.
func pushHandler(ctx context.Context, x *run.Exec, target string) error {
	if strings.TrimSpace(target) == "" {
		return nil
	}
	place, args := run.CutArgs(target)
	at, err := x.Target(ctx, place)
	if err != nil {
		return err
	}
	x.PushHangupHandler(fmt.Sprintf("%s(%s)", at, args))
	return nil
}
