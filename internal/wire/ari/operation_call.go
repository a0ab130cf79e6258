package ari

// channelCallOperations does things with a channel that is in an application.
func channelCallOperations() []Operation {
	direction := text("direction", "Which way audio is silenced: in, from the phone; out, to it.").def("both").oneOf("both", "in", "out")
	musicClass := text("mohClass", "Class of music, default if it is not given.")
	return []Operation{
		channelOp("answer", "POST", "answer", "Answer a channel. One that is up stays as it is."),
		channelOp("ring", "POST", "ring", "Tell the phone that it rings at the other end."),
		channelOp("ringStop", "DELETE", "ring", "Stop telling that it rings."),
		channelOp("progress", "POST", "progress", "Tell the phone that audio comes before the answer."),
		op("channels", "sendDTMF", "POST /channels/{channelId}/dtmf", "void", "Send digits to the phone.",
			text("dtmf", "Digits to send: 0-9, A-D, *, # and w for half a second of waiting."),
			integer("before", "Milliseconds to wait before the first.").def("0"),
			integer("between", "Milliseconds between two.").def("100"),
			integer("duration", "Milliseconds that each lasts.").def("100"),
			integer("after", "Milliseconds to wait after the last.").def("0"),
			refuse(400, "There are no digits."), channelControl),
		op("channels", "mute", "POST /channels/{channelId}/mute", "void", "Silence a channel.", direction, channelControl, refuse(400, "There is no such direction.")),
		op("channels", "unmute", "DELETE /channels/{channelId}/mute", "void", "Let a channel be heard again.", direction, channelControl, refuse(400, "There is no such direction.")),
		channelOp("hold", "POST", "hold", "Put the phone on hold."),
		channelOp("unhold", "DELETE", "hold", "Take the phone off hold."),
		op("channels", "startMoh", "POST /channels/{channelId}/moh", "void", "Play music on hold to a channel.", musicClass, channelControl),
		channelOp("stopMoh", "DELETE", "moh", "Stop music on hold."),
		channelOp("startSilence", "POST", "silence", "Send silence, so that the other end hears a line that is not dead."),
		channelOp("stopSilence", "DELETE", "silence", "Stop sending silence."),
		op("channels", "play", "POST /channels/{channelId}/play", "Playback", "Play media to a channel. What is playing already ends first.",
			channelPlay(), text("playbackId", "Id that the playback gets.")),
		op("channels", "playWithId", "POST /channels/{channelId}/play/{playbackId}", "Playback", "Play media to a channel, with an id of the client's choice.", channelPlay()),
		op("channels", "record", "POST /channels/{channelId}/record", "LiveRecording", "Record what a channel says.",
			text("name", "Name of the recording; it may contain slashes.").need(),
			text("format", "File type: wav, ulaw, alaw.").need(), recordLimits(),
			refuse(400, "A parameter is missing or wrong."), noChannel,
			refuse(409, "The channel is in no application or in a bridge, or there is such a recording."),
			refuse(422, "The format is not known.")),
		op("channels", "getChannelVar", "GET /channels/{channelId}/variable", "Variable", "Tell the value of a variable or function of a channel.",
			text("variable", "Name of the variable, or a function with its arguments.").need(), variableRefusals()),
		op("channels", "setChannelVar", "POST /channels/{channelId}/variable", "void", "Set a variable or function of a channel.",
			text("variable", "Name of the variable, or a function with its arguments.").need(),
			text("value", "Its value. Without one the variable is unset."),
			flag("report_events", "Show the variable in every later event of the channel."),
			variableRefusals()),
		op("channels", "getChannelVars", "GET /channels/{channelId}/variables", "Variables", "Tell the values of several variables of a channel.",
			text("variables", "Names of the variables.").need().many(), variableRefusals()),
		op("channels", "setChannelVars", "POST /channels/{channelId}/variables", "void", "Set several variables of a channel.",
			variablesOf("channel", "in this order").need(), variableRefusals()),
		op("channels", "rtpstatistics", "GET /channels/{channelId}/rtp_statistics", "RTPstat", "Tell what a channel has sent and received.",
			refuse(404, "There is no such channel, or it has no RTP yet."), refuse(403, "The channel's technology has no RTP.")),
	}
}

// channelOp is an operation without parameters on a channel that must be answered.
func channelOp(nickname, method, what, summary string) Operation {
	return op("channels", nickname, method+" /channels/{channelId}/"+what, "void", summary, channelControl)
}

func variableRefusals() parts {
	return parts{
		refuse(400, "No variable is named."),
		refuse(404, "There is no such channel, or the variable is not set."),
		refuse(409, "The channel is in no application."),
	}
}

func mediaURIs() Parameter {
	return text("media", "What to play, one after the other: sound:, recording:, number:, digits:, characters:, tone: and a name.").need().many()
}

func channelPlay() parts {
	return parts{
		mediaURIs(),
		text("lang", "Language of sounds, that of the channel if it is not given."),
		integer("offsetms", "Milliseconds to leave out of the first."),
		integer("skipms", "Milliseconds that forward and reverse go.").def("3000"),
		channelControl, refuse(400, "No media, or a negative number."),
	}
}

// recordLimits are the parameters of a recording after its name and format.
func recordLimits() parts {
	return parts{
		integer("maxDurationSeconds", "Seconds after which the recording ends; 0 = no limit.").def("0").natural(),
		integer("maxSilenceSeconds", "Seconds of silence after which the recording ends; 0 = no limit.").def("0").natural(),
		text("ifExists", "What to do when there is such a recording.").def("fail").oneOf("fail", "overwrite", "append"),
		flag("beep", "Play a beep before it begins."),
		text("terminateOn", "Digit that ends the recording.").def("none").oneOf("none", "any", "*", "#"),
	}
}
