package ari

var noBridge = refuse(404, "There is no such bridge.")

// bridgeOperations makes bridges and does things with them.
func bridgeOperations() []Operation {
	notOurs := refuse(409, "The bridge is in no application.")
	kind := text("type", "What kind of bridge, several separated by commas: mixing, holding, dtmf_events, proxy_media, video_sfu, video_single, sdp_label.")
	name := text("name", "Name for people.")
	vars := variablesOf("bridge", "at once")
	inUse := parts{refuse(400, "The type or a variable is wrong."), refuse(409, "There is a bridge with this id.")}
	members := text("channel", "Ids of the channels.").need().many()
	return []Operation{
		op("bridges", "list", "GET /bridges", "List[Bridge]", "List all bridges."),
		op("bridges", "create", "POST /bridges", "Bridge", "Make a bridge.", kind, text("bridgeId", "Id that the bridge gets; one is made if it is not given."), name, vars, inUse),
		op("bridges", "createWithId", "POST /bridges/{bridgeId}", "Bridge", "Make a bridge, with an id of the client's choice.", kind, name, vars, inUse),
		op("bridges", "get", "GET /bridges/{bridgeId}", "Bridge", "Tell about a bridge.", noBridge),
		op("bridges", "destroy", "DELETE /bridges/{bridgeId}", "void", "Destroy a bridge. Its channels leave it, and stay in their applications.", noBridge, notOurs),
		op("bridges", "getBridgeVar", "GET /bridges/{bridgeId}/variable", "Variable", "Tell the value of a variable of a bridge.",
			text("variable", "Name of the variable.").need(), bridgeVariables()),
		op("bridges", "setBridgeVar", "POST /bridges/{bridgeId}/variable", "void", "Set a variable of a bridge.",
			text("variable", "Name of the variable.").need(), text("value", "Its value. Without one the variable is unset."),
			flag("report_events", "Show the variable in every later event of the bridge."), bridgeVariables()),
		op("bridges", "getBridgeVars", "GET /bridges/{bridgeId}/variables", "Variables", "Tell the values of several variables of a bridge.",
			text("variables", "Names of the variables.").need().many(), bridgeVariables()),
		op("bridges", "setBridgeVars", "POST /bridges/{bridgeId}/variables", "void", "Set several variables of a bridge.",
			variablesOf("bridge", "in this order").need(), bridgeVariables()),
		op("bridges", "addChannel", "POST /bridges/{bridgeId}/addChannel", "void", "Put channels into a bridge.",
			members,
			text("role", "What the channel is in a holding bridge: announcer or participant."),
			flag("absorbDTMF", "Do not pass the channel's digits on."),
			flag("mute", "Do not pass the channel's audio on."),
			flag("inhibitConnectedLineUpdates", "Do not show the others to this channel's phone, nor it to them."),
			refuse(400, "There is no such channel."), noBridge,
			refuse(409, "The bridge is in no application, or a channel is recording."),
			refuse(422, "A channel is in no application.")),
		op("bridges", "removeChannel", "POST /bridges/{bridgeId}/removeChannel", "void", "Take channels out of a bridge.",
			members, refuse(400, "There is no such channel."), noBridge, notOurs, refuse(422, "A channel is not in this bridge.")),
		op("bridges", "setVideoSource", "POST /bridges/{bridgeId}/videoSource/{channelId}", "void", "Choose the channel that all others see.",
			refuse(400, "There is no such channel."), noBridge, refuse(409, "The channel is in no application."), refuse(422, "The channel has no video, or is not in this bridge.")),
		op("bridges", "clearVideoSource", "DELETE /bridges/{bridgeId}/videoSource", "void", "Let the video follow the talker again.", noBridge, notOurs),
		op("bridges", "startMoh", "POST /bridges/{bridgeId}/moh", "void", "Play music on hold to a bridge.",
			text("mohClass", "Class of music, default if it is not given."), noBridge, notOurs),
		op("bridges", "stopMoh", "DELETE /bridges/{bridgeId}/moh", "void", "Stop the music on hold that startMoh has begun.", noBridge, refuse(409, "No music is playing.")),
		op("bridges", "play", "POST /bridges/{bridgeId}/play", "Playback", "Play media to all channels in a bridge.",
			bridgePlay(), text("playbackId", "Id that the playback gets.")),
		op("bridges", "playWithId", "POST /bridges/{bridgeId}/play/{playbackId}", "Playback", "Play media to all channels in a bridge, with an id of the client's choice.", bridgePlay()),
		op("bridges", "record", "POST /bridges/{bridgeId}/record", "LiveRecording", "Record all channels in a bridge together.",
			text("name", "Name of the recording; it may contain slashes.").need(),
			text("format", "File type: wav, ulaw, alaw.").need(),
			text("recorder_format", "Format of the channel that records."),
			recordLimits(),
			refuse(400, "A parameter is missing or wrong."), noBridge,
			refuse(409, "The bridge is in no application, or there is such a recording."),
			refuse(422, "The format is not known.")),
	}
}

func bridgeVariables() parts {
	return parts{
		refuse(400, "No variable is named."),
		refuse(404, "There is no such bridge, or the variable is not set."),
		refuse(409, "The bridge is in no application."),
	}
}

func bridgePlay() parts {
	return parts{
		mediaURIs(),
		text("announcer_format", "Format of the channel that plays."),
		text("lang", "Language of sounds."),
		integer("offsetms", "Milliseconds to leave out of the first.").def("0").natural(),
		integer("skipms", "Milliseconds that forward and reverse go.").def("3000").natural(),
		noBridge, refuse(409, "The bridge is in no application."), refuse(422, "The format is not known."),
	}
}
