package funcs

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// webs lists CURL and CURLOPT (spec: dialplan 6.2; Asterisk: func_curl.c).
func webs() []run.Func {
	return []run.Func{
		{Name: "CURL", Danger: run.Net, Read: readCurl},
		{Name: "CURLOPT", Read: readCurlOpt, Write: writeCurlOpt},
	}
}

// The time that a request may take without CURLOPT().
const (
	curlLimit        = 180 * time.Second // httptimeout
	curlConnectLimit = 30 * time.Second  // conntimeout
	curlRedirects    = 20                // maxredirs
)

// curlOptions are those that have an effect, with their default.
func curlOptions() map[string]string {
	return map[string]string{
		"conntimeout": "", "httptimeout": "", "followlocation": "0", "maxredirs": "", "header": "0", "httpheader": "", "useragent": "dialwright",
		"userpwd": "", "referer": "", "cookie": "", "ssl_verifypeer": "1", "ssl_verifyhost": "1", "proxy": "", "proxyport": "", "hashcompat": "no",
		"failurecodes": "",
	}
}

// curlSettings are the options of a channel. It replaces them as a whole: what
// has been read of them does not change.
func curlSettings(x *run.Exec) map[string]string {
	if m, ok := x.Value("curl", nil).(map[string]string); ok {
		return m
	}
	return curlOptions()
}

// readCurlOpt is CURLOPT(option).
func readCurlOpt(_ context.Context, x *run.Exec, args string) (string, error) {
	v, ok := curlSettings(x)[strings.ToLower(args)]
	if !ok {
		return "", fmt.Errorf("there is no option %q", args)
	}
	return v, nil
}

// writeCurlOpt is Set(CURLOPT(option)=value), for the requests that the channel
// makes from now on. Each httpheader is one more; an empty one removes them.
func writeCurlOpt(_ context.Context, x *run.Exec, args, value string) error {
	m := make(map[string]string)
	for k, v := range curlSettings(x) {
		m[k] = v
	}
	name := strings.ToLower(args)
	old, ok := m[name]
	if !ok {
		return fmt.Errorf("there is no option %q", args)
	}
	if name == "httpheader" && old != "" && value != "" {
		value = old + "\n" + value
	}
	m[name] = value
	x.SetValue("curl", m)
	return nil
}

// curlSeconds reads a time-out, 0 or nothing is the usual.
func curlSeconds(s string, usual time.Duration) time.Duration {
	if n, err := strconv.ParseFloat(s, 64); err == nil && n > 0 && n < 86400 {
		return time.Duration(n * float64(time.Second))
	}
	return usual
}

// readCurl is CURL(url[,post-data]): what a web server answers, without blanks
// at the end, whatever its status. A failure is reported and gives nothing.
func readCurl(ctx context.Context, x *run.Exec, args string) (string, error) {
	a := dialplan.SplitArgsN(args, 2)
	if len(a) == 0 {
		return "", errors.New("it must be written CURL(url[,post-data])")
	}
	opt := curlSettings(x)
	ctx, cancel := context.WithTimeout(ctx, curlSeconds(opt["httptimeout"], curlLimit))
	defer cancel()
	req, err := curlRequest(ctx, a, opt)
	if err != nil {
		return "", err
	}
	client, err := curlClient(opt)
	if err != nil {
		return "", err
	}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, dialplan.MaxText+1))
	if err != nil {
		return "", err
	}
	if len(body) > dialplan.MaxText {
		x.Warn("CURL(%s): the answer is cut to %d bytes", a[0], dialplan.MaxText)
		body = body[:dialplan.MaxText]
	}
	if slices.Contains(strings.Split(opt["failurecodes"], ","), strconv.Itoa(resp.StatusCode)) {
		return "", fmt.Errorf("the server answered %s", resp.Status)
	}
	text := strings.TrimRight(string(body), blanks)
	if yes(opt["hashcompat"]) {
		return curlFields(x, text), nil
	}
	if yes(opt["header"]) {
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s\r\n", resp.Proto, resp.Status)
		_ = resp.Header.Write(&b) // a Builder does not fail
		text = b.String() + "\r\n" + text
	}
	return text, nil
}

// yes is the truth of an option.
func yes(s string) bool {
	switch strings.ToLower(s) {
	case "1", "yes", "true", "y", "t", "on":
		return true
	}
	return false
}

func curlRequest(ctx context.Context, args []string, opt map[string]string) (*http.Request, error) {
	target := strings.TrimSpace(args[0])
	if !strings.Contains(target, "://") {
		target = "http://" + target
	}
	method, post := http.MethodGet, ""
	if len(args) > 1 {
		method, post = http.MethodPost, args[1]
	}
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(post))
	if err != nil {
		return nil, err
	}
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return nil, fmt.Errorf("%s:// is not supported", req.URL.Scheme)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for key, header := range map[string]string{"useragent": "User-Agent", "referer": "Referer", "cookie": "Cookie"} {
		if opt[key] != "" {
			req.Header.Set(header, opt[key])
		}
	}
	if user, password, ok := strings.Cut(opt["userpwd"], ":"); ok {
		req.SetBasicAuth(user, password)
	}
	for line := range strings.SplitSeq(opt["httpheader"], "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			req.Header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	return req, nil
}

// curlClient makes a client for one request: options are the channel's.
func curlClient(opt map[string]string) (*http.Client, error) {
	dialer := &net.Dialer{Timeout: curlSeconds(opt["conntimeout"], curlConnectLimit)}
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: dialer.Timeout, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			InsecureSkipVerify: opt["ssl_verifypeer"] == "0" || opt["ssl_verifyhost"] == "0", // the dialplan says so
		},
	}
	if opt["proxy"] != "" {
		proxy := opt["proxy"]
		if !strings.Contains(proxy, "://") {
			proxy = "http://" + proxy
		}
		u, err := url.Parse(proxy)
		if err != nil {
			return nil, fmt.Errorf("CURLOPT(proxy): %w", err)
		}
		if opt["proxyport"] != "" {
			u.Host = net.JoinHostPort(u.Hostname(), opt["proxyport"])
		}
		t.Proxy = http.ProxyURL(u)
	}
	redirects := curlRedirects
	if n, err := strconv.Atoi(opt["maxredirs"]); err == nil && n >= 0 {
		redirects = n
	}
	return &http.Client{
		Transport: t,
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			switch {
			case !yes(opt["followlocation"]):
				return http.ErrUseLastResponse
			case len(via) > redirects:
				return errors.New("too many redirections")
			}
			return nil
		},
	}, nil
}

// curlFields reads "a=1&b=2" into the values "1,2"; HASH(h)= then knows that
// they belong to a and b.
func curlFields(x *run.Exec, text string) string {
	var keys, values []string
	for pair := range strings.SplitSeq(text, "&") {
		name, value, _ := strings.Cut(pair, "=")
		for _, s := range [...]*string{&name, &value} {
			if d, err := url.QueryUnescape(*s); err == nil {
				*s = d
			}
		}
		if cmp.Or(name, value) != "" {
			keys, values = append(keys, name), append(values, value)
		}
	}
	hashOrderOf(x).setFields(keys)
	return csv(values)
}

// csv writes values as the one text from which SplitArgs makes them again.
func csv(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		if strings.ContainsAny(v, `,"\()[]`) {
			v = `"` + quoting.Replace(v) + `"`
		}
		out[i] = v
	}
	return strings.Join(out, ",")
}
