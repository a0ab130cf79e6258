package agi

import (
	"strconv"
	"strings"
)

// Environment is what a script is told before anything else. Fields that
// scripts know as "unknown" when they are empty are written so.
type Environment struct {
	Network       bool   // FastAGI
	NetworkScript string // FastAGI: the path without its slash, with its query
	Request       string // as the dialplan wrote it: "agi://host/path", or the script's file
	Channel       string
	Language      string
	Type          string // technology
	UniqueID      string
	Version       string
	CallerID      string // number
	CallerName    string
	CallingPres   int
	CallingANI2   int
	CallingTON    int
	CallingTNS    int
	DNID          string
	RDNIS         string
	Context       string
	Extension     string
	Priority      int
	Enhanced      bool // EAGI: audio on file descriptor 3
	AccountCode   string
	ThreadID      string
	Args          []string // agi_arg_1 and on
}

// String writes the block with the empty line that ends it.
func (e *Environment) String() string {
	var b strings.Builder
	line := func(name, value string) { b.WriteString("agi_" + name + ": " + oneLine(value) + "\n") }
	if e.Network {
		line("network", "yes")
		if e.NetworkScript != "" {
			line("network_script", e.NetworkScript)
		}
	}
	line("request", e.Request)
	line("channel", e.Channel)
	line("language", e.Language)
	line("type", e.Type)
	line("uniqueid", e.UniqueID)
	line("version", e.Version)
	line("callerid", orUnknown(e.CallerID))
	line("calleridname", orUnknown(e.CallerName))
	line("callingpres", strconv.Itoa(e.CallingPres))
	line("callingani2", strconv.Itoa(e.CallingANI2))
	line("callington", strconv.Itoa(e.CallingTON))
	line("callingtns", strconv.Itoa(e.CallingTNS))
	line("dnid", orUnknown(e.DNID))
	line("rdnis", orUnknown(e.RDNIS))
	line("context", e.Context)
	line("extension", e.Extension)
	line("priority", strconv.Itoa(e.Priority))
	if e.Enhanced {
		line("enhanced", "1.0")
	} else {
		line("enhanced", "0.0")
	}
	line("accountcode", e.AccountCode)
	line("threadid", e.ThreadID)
	for i, a := range e.Args {
		line("arg_"+strconv.Itoa(i+1), a)
	}
	return b.String() + "\n"
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
