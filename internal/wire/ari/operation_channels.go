package ari

// Refusals that many operations on a channel share (spec: ari 4).
var (
	noChannel      = refuse(404, "There is no such channel.")
	notInStasis    = refuse(409, "The channel is in no application.")
	wrongState     = refuse(412, "The channel is not answered, and its state does not allow this.")
	channelControl = parts{noChannel, notInStasis, wrongState}
)

// dialled are the parameters that say whom to call and how, without the id.
func dialled(withID bool) parts {
	list := parts{
		text("endpoint", "Whom to call, as TECH/resource: PJSIP/100, PJSIP/100@trunk, Local/5@context.").need(),
		text("extension", "Extension that the channel goes to when it is answered. Without it an app is needed."),
		text("context", "Context of the extension, default if it is not given."),
		Parameter{Name: "priority", In: InQuery, Type: "long", About: "Priority of the extension, 1 if neither it nor a label is given."},
		text("label", "Label of the extension, instead of a priority."),
		text("app", "Application that the channel enters when it is answered. It wins over an extension."),
		text("appArgs", "Arguments for the application, separated by commas."),
		text("callerId", `Caller that the phone is shown: "Name" <number>, Name <number> or a number.`),
		integer("timeout", "Seconds to wait for the answer; -1 waits without end.").def("30"),
		variablesOf("channel", "before the call goes out"),
	}
	if withID {
		list = append(list, text("channelId", "Id that the channel gets, at most 149 characters; one is made if it is not given."))
	}
	return append(list,
		text("otherChannelId", "Id of the second half, when the endpoint is a Local channel."),
		text("originator", "Id of a channel that this call is made for: it gives linked id and media formats."),
		text("formats", "Media formats to offer, separated by commas. Not together with originator."),
		refuse(400, "A parameter is missing or wrong."),
		refuse(404, "The extension has no such label."),
		refuse(409, "There is a channel with this id."),
	)
}

// variablesOf is the container of variables, whose values are texts or objects of a
// value and report_events.
func variablesOf(what, when string) Parameter {
	return container("variables", `Variables that the `+what+` gets `+when+`: {"NAME": "value"}, or {"NAME": {"value": "text", "report_events": true}} for one that is shown in every later event.`)
}

// channelOperations makes, finds and ends channels, and moves them.
func channelOperations() []Operation {
	return []Operation{
		op("channels", "list", "GET /channels", "List[Channel]", "List all channels, whether in an application or not."),
		op("channels", "originate", "POST /channels", "Channel", "Call an endpoint, and give the channel to an application or extension when it is answered.",
			dialled(true), note("The answer comes as soon as the channel exists. Events tell what becomes of the call.")),
		op("channels", "create", "POST /channels/create", "Channel", "Make a channel that is in an application at once, but not dialled yet.",
			text("endpoint", "Whom the channel will call, as TECH/resource.").need(),
			text("app", "Application that the channel enters.").need(),
			text("appArgs", "Arguments for the application, separated by commas."),
			text("channelId", "Id that the channel gets; one is made if it is not given."),
			text("otherChannelId", "Id of the second half, when the endpoint is a Local channel."),
			text("originator", "Id of a channel that this one is made for: it gives linked id and media formats."),
			text("formats", "Media formats to offer, separated by commas. Not together with originator."),
			variablesOf("channel", "at once"),
			refuse(400, "A parameter is missing or wrong."),
			refuse(409, "There is a channel with this id."),
			note("Set variables and the caller's number, put it into a bridge, then dial it.")),
		op("channels", "get", "GET /channels/{channelId}", "Channel", "Tell about a channel.", noChannel),
		op("channels", "originateWithId", "POST /channels/{channelId}", "Channel", "Call an endpoint, with an id of the client's choice.", dialled(false)),
		op("channels", "hangup", "DELETE /channels/{channelId}", "void", "Hang up a channel, whether in an application or not.",
			text("reason_code", "Why, as a Q.850 number. Not together with reason."),
			text("reason", "Why, by name. Not together with reason_code.").oneOf(HangupReasons()...),
			refuse(400, "The reason is none, or there are two."), noChannel),
		op("channels", "continueInDialplan", "POST /channels/{channelId}/continue", "void", "Let a channel leave the application and go on in the dialplan.",
			text("context", "Context to go on in."),
			text("extension", "Extension to go on at."),
			integer("priority", "Priority to go on at."),
			text("label", "Label to go on at, instead of a priority."),
			noChannel, notInStasis, wrongState, refuse(400, "The priority is 0.")),
		op("channels", "move", "POST /channels/{channelId}/move", "void", "Give a channel to another application.",
			text("app", "Application that the channel enters.").need(),
			text("appArgs", "Arguments for the application, separated by commas."),
			noChannel, notInStasis, refuse(400, "No application is given.")),
		op("channels", "redirect", "POST /channels/{channelId}/redirect", "void", "Send a channel's caller to another endpoint of the same technology.",
			text("endpoint", "Where to, as TECH/resource.").need(),
			refuse(400, "No endpoint is given."), noChannel, notInStasis,
			refuse(422, "The endpoint cannot be read, or has another technology."), wrongState),
		op("channels", "dial", "POST /channels/{channelId}/dial", "void", "Dial a channel that create has made.",
			text("caller", "Id of the channel that calls: its caller is shown, its inherited variables are taken over."),
			integer("timeout", "Seconds to wait for the answer; 0 waits without end.").def("0").natural(),
			noChannel, refuse(409, "The channel is dialled already, or was not made by create.")),
		op("channels", "snoopChannel", "POST /channels/{channelId}/snoop", "Channel", "Listen to a channel, or speak into it, through a new one.",
			snooped(), text("snoopId", "Id that the new channel gets.")),
		op("channels", "snoopChannelWithId", "POST /channels/{channelId}/snoop/{snoopId}", "Channel", "Listen to a channel, or speak into it, through a new one with an id of the client's choice.", snooped()),
		op("channels", "externalMedia", "POST /channels/externalMedia", "Channel", "Make a channel whose audio goes to and comes from a program of the client's.",
			text("channelId", "Id that the channel gets; one is made if it is not given."),
			text("app", "Application that the channel enters.").need(),
			variablesOf("channel", "at once"),
			text("external_host", "Address of the program, host:port."),
			text("encapsulation", "How audio is packed.").def("rtp").oneOf("rtp", "audiosocket", "none"),
			text("transport", "What carries it.").def("udp").oneOf("udp", "tcp", "websocket"),
			text("connection_type", "Who connects: client, this server does; server, it waits.").def("client").oneOf("client", "server"),
			text("format", "Format of the audio: ulaw, alaw, slin16.").need(),
			text("direction", "Which way audio flows.").def("both").oneOf("both"),
			text("data", "Id of an AudioSocket connection, a UUID."),
			text("transport_data", "More for the transport."),
			refuse(400, "A parameter is missing or wrong."), refuse(409, "There is a channel with this id.")),
		op("channels", "transfer_progress", "POST /channels/{channelId}/transfer_progress", "void", "Tell a phone that has asked for a transfer how it goes.",
			text("states", "How far the transfer is.").need(),
			refuse(400, "No state, or one that is not known."), noChannel, refuse(409, "The channel is in no application, or no transfer is going on."), wrongState),
	}
}

func snooped() parts {
	return parts{
		text("spy", "Which audio of the channel is heard.").def("none").oneOf("none", "both", "out", "in"),
		text("whisper", "Where the new channel's audio goes to.").def("none").oneOf("none", "both", "out", "in"),
		text("app", "Application that the new channel enters.").need(),
		text("appArgs", "Arguments for the application, separated by commas."),
		refuse(400, "A parameter is missing or wrong."), noChannel,
	}
}
