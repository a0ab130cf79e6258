package asteriskconf

import (
	"cmp"
	"strings"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// users reads the users of users.conf that are SIP phones or trunks (hassip).
// [general] holds their defaults.
func (l *loader) users(file *conf.File) {
	var general *options
	if s := file.Section("general"); s != nil && !s.Hidden {
		general = l.options(s, nil)
	}
	for _, s := range file.Sections {
		if s.Hidden || strings.EqualFold(s.Name, "general") {
			continue
		}
		l.user(l.options(s, general))
	}
}

func (l *loader) user(o *options) {
	for _, other := range []struct{ key, what string }{{"hasiax", "IAX2"}, {"hash323", "H.323"}, {"hasvoicemail", "voice mail"}, {"hasmanager", "a user of AMI in users.conf"}} {
		if o.has(other.key) && o.yes(other.key) {
			o.warn(other.key, "%s is not supported", other.what)
		}
	}
	if !o.yes("hassip", "registersip") {
		if o.has("dahdichan", "zapchan") {
			o.warn("dahdichan", "analogue and ISDN lines are not supported; it is left out")
			return
		}
		o.warn("", "has no hassip = yes and is left out")
		return
	}
	host := o.get("host")
	o.ignore("dahdichan", "zapchan")
	if host == "" || strings.EqualFold(host, "dynamic") {
		p := config.Phone{Password: o.get("secret"), Context: cmp.Or(o.get("context"), "default"), Codecs: o.codecs(), NAT: sipNAT(o), DTMF: sipDTMF(o)}
		callerID := o.get("callerid")
		if number := o.get("cid_number"); callerID == "" && number != "" {
			callerID = "<" + number + ">"
		}
		o.phoneCallerID(&p, callerID, o.s.Name)
		p.DisplayName = cmp.Or(o.get("fullname"), p.DisplayName)
		o.rest(quietUser())
		l.addPhone(o.s.Name, p, o.s.Origin, o.s.Name)
		return
	}
	t := config.Trunk{
		Host: host, Port: o.number("port"), User: o.get("username", "defaultuser"), Password: o.get("secret"), FromUser: o.get("fromuser"),
		FromDomain: o.get("fromdomain"), Register: o.yes("registersip"), Context: o.get("context"), Codecs: o.codecs(), DTMF: sipDTMF(o),
		CallerID: o.callerID(o.get("callerid")),
	}
	o.rest(append(quietUser(), "trunkname", "trunkstyle", "hasexten", "provider", "outboundproxy"))
	l.addTrunk(o.s.Name, t, o.s.Origin, o.s.Name)
}

// quietUser are the options that are about other things than SIP, or change
// nothing here.
func quietUser() []string {
	return append(quietPeer(), "hasvoicemail", "hassip", "hasiax", "hash323", "hasmanager", "hasdirectory", "vmsecret", "email", "callwaiting",
		"threewaycalling", "callwaitingcallerid", "transfer", "canpark", "cancallforward", "callreturn", "callgroup", "pickupgroup", "userbase",
		"allow_aliases", "allow_an_extns", "localextenlength", "registeriax", "registersip", "macaddress", "autoprov", "label", "linenumber",
		"hasagent", "delete", "group", "fullname", "cid_number")
}
