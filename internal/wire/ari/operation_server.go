package ari

// asteriskOperations asks about the server itself.
func asteriskOperations() []Operation {
	noObject := refuse(404, "There is no such object.")
	forbidden := refuse(403, "The object cannot be changed.")
	noModule := refuse(404, "There is no such module.")
	moduleBusy := refuse(409, "The module cannot do that.")
	noLog := refuse(404, "There is no such log channel.")
	return []Operation{
		op("asterisk", "getObject", "GET /asterisk/config/dynamic/{configClass}/{objectType}/{id}", "List[ConfigTuple]", "Tell the attributes of a configuration object.", noObject),
		op("asterisk", "updateObject", "PUT /asterisk/config/dynamic/{configClass}/{objectType}/{id}", "List[ConfigTuple]", "Make or change a configuration object.",
			container("fields", `Attributes to set: {"fields": [{"attribute": "name", "value": "text"}]}.`),
			refuse(400, "The fields cannot be read."), forbidden, noObject),
		op("asterisk", "deleteObject", "DELETE /asterisk/config/dynamic/{configClass}/{objectType}/{id}", "void", "Delete a configuration object.", forbidden, noObject),
		op("asterisk", "getInfo", "GET /asterisk/info", "AsteriskInfo", "Tell about the server.",
			text("only", "Parts to tell; all if it is not given.").many().oneOf("build", "system", "config", "status")),
		op("asterisk", "ping", "GET /asterisk/ping", "AsteriskPing", "Answer, to show that the server is alive."),
		op("asterisk", "listModules", "GET /asterisk/modules", "List[Module]", "List the modules."),
		op("asterisk", "getModule", "GET /asterisk/modules/{moduleName}", "Module", "Tell about a module.", noModule, moduleBusy),
		op("asterisk", "loadModule", "POST /asterisk/modules/{moduleName}", "void", "Load a module.", moduleBusy),
		op("asterisk", "unloadModule", "DELETE /asterisk/modules/{moduleName}", "void", "Unload a module.", noModule, moduleBusy),
		op("asterisk", "reloadModule", "PUT /asterisk/modules/{moduleName}", "void", "Let a module read its configuration again.", noModule, moduleBusy),
		op("asterisk", "listLogChannels", "GET /asterisk/logging", "List[LogChannel]", "List the places that log lines go to."),
		op("asterisk", "addLog", "POST /asterisk/logging/{logChannelName}", "void", "Add a log channel.",
			text("configuration", "Levels to log, separated by commas.").need(),
			refuse(400, "No levels are given."), refuse(409, "There is such a log channel.")),
		op("asterisk", "deleteLog", "DELETE /asterisk/logging/{logChannelName}", "void", "Remove a log channel.", noLog),
		op("asterisk", "rotateLog", "PUT /asterisk/logging/{logChannelName}/rotate", "void", "Begin a new file for a log channel.", noLog),
		op("asterisk", "getGlobalVar", "GET /asterisk/variable", "Variable", "Tell the value of a global variable, which is empty if it is not set.",
			text("variable", "Name of the variable, or a function with its arguments.").need(), refuse(400, "No variable is named.")),
		op("asterisk", "setGlobalVar", "POST /asterisk/variable", "void", "Set a global variable.",
			text("variable", "Name of the variable, or a function with its arguments.").need(),
			text("value", "Its value."), refuse(400, "No variable is named.")),
	}
}

// endpointOperations lists phones and trunks, and reaches them beside calls.
func endpointOperations() []Operation {
	none := refuse(404, "There is no such endpoint.")
	wrong := refuse(400, "A parameter is missing or wrong.")
	from := text("from", "Who sends it: an endpoint or a SIP address.").need()
	body := text("body", "The text.")
	to := text("to", "Whom it goes to: pjsip:endpoint or pjsip:sip:user@host.").need()
	referTo := text("refer_to", "Where the endpoint is to call: an endpoint or a SIP address.").need()
	toSelf := flag("to_self", "Send the endpoint to itself, when refer_to is an endpoint of this server.")
	vars := container("variables", `Headers and attributes of the message: {"NAME": "value"}.`)
	return []Operation{
		op("endpoints", "list", "GET /endpoints", "List[Endpoint]", "List all endpoints."),
		op("endpoints", "sendMessage", "PUT /endpoints/sendMessage", "void", "Send a text message to an address or endpoint.", to, from, body, vars, wrong, none),
		op("endpoints", "refer", "POST /endpoints/refer", "void", "Ask an address or endpoint to call another.", to, from, referTo, toSelf, vars, wrong, none),
		op("endpoints", "listByTech", "GET /endpoints/{tech}", "List[Endpoint]", "List the endpoints of a technology.", refuse(404, "There is no such technology.")),
		op("endpoints", "get", "GET /endpoints/{tech}/{resource}", "Endpoint", "Tell about an endpoint.", wrong, none),
		op("endpoints", "sendMessageToEndpoint", "PUT /endpoints/{tech}/{resource}/sendMessage", "void", "Send a text message to an endpoint.", from, body, vars, wrong, none),
		op("endpoints", "referToEndpoint", "POST /endpoints/{tech}/{resource}/refer", "void", "Ask an endpoint to call another.", from, referTo, toSelf, vars, wrong, none),
	}
}

func deviceStateOperations() []Operation {
	none := refuse(404, "There is no such device.")
	notOurs := refuse(409, "The device is not one of the application's: its name does not begin with Stasis:.")
	return []Operation{
		op("deviceStates", "list", "GET /deviceStates", "List[DeviceState]", "List the device states that applications have set."),
		op("deviceStates", "get", "GET /deviceStates/{deviceName}", "DeviceState", "Tell the state of any device."),
		op("deviceStates", "update", "PUT /deviceStates/{deviceName}", "void", "Set the state of a device of the application's.",
			text("deviceState", "What the device is doing.").need().oneOf(
				"NOT_INUSE", "INUSE", "BUSY", "INVALID", "UNAVAILABLE", "RINGING", "RINGINUSE", "ONHOLD"),
			none, notOurs),
		op("deviceStates", "delete", "DELETE /deviceStates/{deviceName}", "void", "Forget a device of the application's.", none, notOurs),
	}
}

func mailboxOperations() []Operation {
	none := refuse(404, "There is no such mailbox.")
	return []Operation{
		op("mailboxes", "list", "GET /mailboxes", "List[Mailbox]", "List the mailboxes."),
		op("mailboxes", "get", "GET /mailboxes/{mailboxName}", "Mailbox", "Tell how many messages a mailbox has.", none),
		op("mailboxes", "update", "PUT /mailboxes/{mailboxName}", "void", "Set how many messages a mailbox has.",
			integer("oldMessages", "Messages that were heard.").need(), integer("newMessages", "Messages that were not.").need(), none),
		op("mailboxes", "delete", "DELETE /mailboxes/{mailboxName}", "void", "Forget a mailbox.", none),
	}
}

// eventOperations is the WebSocket, and what goes to others over it.
func eventOperations() []Operation {
	ws := op("events", "eventWebsocket", "GET /events", "Message", "Open a WebSocket, on which the events of applications come.",
		text("app", "Applications to be.").need().many(),
		Parameter{Name: "subscribeAll", In: InQuery, Type: "boolean", About: "Hear of all channels, bridges, endpoints and devices."})
	ws.Upgrade = true
	return []Operation{
		ws,
		op("events", "userEvent", "POST /events/user/{eventName}", "void", "Send an event of one's own to an application.",
			text("application", "Application that receives it.").need(),
			text("source", "What it is about: channel:, bridge: or endpoint: and an id.").many(),
			container("variables", `What the receivers find in userevent: {"NAME": "value"}.`),
			refuse(404, "There is no such application."), refuse(422, "What it is about does not exist."), refuse(400, "What it is about cannot be read.")),
		op("events", "claimChannel", "POST /events/claim", "void", "Take a channel that is offered to several applications.",
			text("channelId", "Id of the channel.").need(), text("application", "Application that takes it.").need(),
			refuse(400, "A parameter is missing."), refuse(404, "The channel is not on offer, or there is no such application."), refuse(409, "Another application was faster.")),
	}
}

func applicationOperations() []Operation {
	none := refuse(404, "There is no such application.")
	source := text("eventSource", "What to hear of: channel:{id}, bridge:{id}, endpoint:{tech}/{resource}, endpoint:{tech}, deviceState:{name}. Without an id, all of the kind.").need().many()
	unreadable := refuse(400, "The source is missing or cannot be read.")
	return []Operation{
		op("applications", "list", "GET /applications", "List[Application]", "List the applications."),
		op("applications", "get", "GET /applications/{applicationName}", "Application", "Tell about an application.", none),
		op("applications", "subscribe", "POST /applications/{applicationName}/subscription", "Application", "Let an application hear of something.",
			source, unreadable, none, refuse(422, "The source does not exist."), note("Subscriptions are counted: each needs an unsubscribe of its own.")),
		op("applications", "unsubscribe", "DELETE /applications/{applicationName}/subscription", "Application", "Let an application no longer hear of something.",
			source, unreadable, none, refuse(409, "The application has not subscribed to it (older versions)."), refuse(422, "The application has not subscribed to it.")),
		op("applications", "filter", "PUT /applications/{applicationName}/eventFilter", "Application", "Choose the types of events that an application is sent.",
			Parameter{Name: "filter", In: InBody, Type: "object", About: `Types to send and not to send: {"allowed": [{"type": "StasisStart"}], "disallowed": [{"type": "ChannelVarset"}]}.`},
			refuse(400, "The filter cannot be read."), none, note("Without a body, or with {}, everything is sent again. What is disallowed is not sent even if it is allowed.")),
	}
}
