package funcs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// registrations lists the functions that tell of phones, trunks and where they
// are (spec: dialplan 6.2). Asterisk's give any key of its own configuration;
// ours give what the switch knows.
func registrations() []run.Func {
	return []run.Func{
		{Name: "PJSIP_ENDPOINT", Read: readEndpoint},
		{Name: "PJSIP_AOR", Read: readAOR},
		{Name: "PJSIP_CONTACT", Read: readContact},
		{Name: "PJSIP_DIAL_CONTACTS", Read: readDialContacts},
	}
}

// twoArgs reads "name,field".
func twoArgs(function, args string) (name, field string, err error) {
	a := dialplan.SplitArgs(args)
	if len(a) < 2 {
		return "", "", fmt.Errorf("%s needs a name and a field", function)
	}
	return strings.TrimSpace(a[0]), strings.ToLower(strings.TrimSpace(a[1])), nil
}

// endpointState finds a phone or trunk.
func endpointState(x *run.Exec, name string) (call.EndpointState, bool) {
	all := x.Machine().Switch().Endpoints()
	i := slices.IndexFunc(all, func(e call.EndpointState) bool { return e.Name == name })
	if i < 0 {
		return call.EndpointState{}, false
	}
	return all[i], true
}

// readEndpoint is PJSIP_ENDPOINT(name,field): aors, device_state, channels.
func readEndpoint(_ context.Context, x *run.Exec, args string) (string, error) {
	name, field, err := twoArgs("PJSIP_ENDPOINT", args)
	if err != nil {
		return "", err
	}
	e, ok := endpointState(x, name)
	if !ok {
		return "", fmt.Errorf("there is no endpoint %q", name)
	}
	switch field {
	case "aors":
		return e.Name, nil
	case "device_state":
		return e.State, nil
	case "channels":
		return strconv.Itoa(e.Channels), nil
	}
	return "", errField(field)
}

// readAOR is PJSIP_AOR(name,field): contact lists the contacts, which are also
// what PJSIP_CONTACT knows them by.
func readAOR(_ context.Context, x *run.Exec, args string) (string, error) {
	name, field, err := twoArgs("PJSIP_AOR", args)
	if err != nil {
		return "", err
	}
	e, ok := endpointState(x, name)
	if !ok {
		return "", fmt.Errorf("there is no AOR %q", name)
	}
	switch field {
	case "contact":
		return strings.Join(e.Contacts, ","), nil
	case "total_contacts", "contacts_registered":
		return strconv.Itoa(len(e.Contacts)), nil
	}
	return "", errField(field)
}

// readContact is PJSIP_CONTACT(contact,field): uri, aor, endpoint, status, expiration_time.
func readContact(_ context.Context, x *run.Exec, args string) (string, error) {
	name, field, err := twoArgs("PJSIP_CONTACT", args)
	if err != nil {
		return "", err
	}
	for _, e := range x.Machine().Switch().Endpoints() {
		if !slices.Contains(e.Contacts, name) {
			continue
		}
		switch field {
		case "uri":
			return name, nil
		case "aor", "endpoint":
			return e.Name, nil
		case "status":
			if strings.EqualFold(e.State, "unavailable") {
				return "Unreachable", nil
			}
			return "Reachable", nil
		case "expiration_time":
			if e.ExpiresAt.IsZero() {
				return "0", nil
			}
			return strconv.FormatInt(e.ExpiresAt.Unix(), 10), nil
		}
		return "", errField(field)
	}
	return "", fmt.Errorf("there is no contact %q", name)
}

// readDialContacts is PJSIP_DIAL_CONTACTS(endpoint[,aor[,user]]): what Dial needs
// to ring every contact of a phone, "" if it has none. Here that is the phone
// itself, which rings at all of its contacts; so the guard sees a phone and no address.
func readDialContacts(_ context.Context, x *run.Exec, args string) (string, error) {
	a := dialplan.SplitArgs(args)
	if len(a) == 0 {
		return "", errors.New("PJSIP_DIAL_CONTACTS needs an endpoint")
	}
	name := strings.TrimSpace(a[0])
	e, ok := endpointState(x, name)
	switch {
	case !ok:
		return "", fmt.Errorf("there is no endpoint %q", name)
	case len(e.Contacts) == 0:
		return "", nil
	case len(a) > 2 && strings.TrimSpace(a[2]) != "":
		return "PJSIP/" + strings.TrimSpace(a[2]) + "@" + name, nil
	}
	return "PJSIP/" + name, nil
}
