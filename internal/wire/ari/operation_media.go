package ari

// recordingOperations finds recordings that are over, and controls those that are not.
func recordingOperations() []Operation {
	none := refuse(404, "There is no such recording.")
	idle := refuse(409, "The recording has not begun, or is over.")
	return []Operation{
		op("recordings", "listStored", "GET /recordings/stored", "List[StoredRecording]", "List the recordings that are over."),
		op("recordings", "getStored", "GET /recordings/stored/{recordingName}", "StoredRecording", "Tell about a recording that is over.", none),
		op("recordings", "deleteStored", "DELETE /recordings/stored/{recordingName}", "void", "Delete a recording that is over.", none),
		op("recordings", "getStoredFile", "GET /recordings/stored/{recordingName}/file", "binary", "Give the file of a recording.",
			refuse(403, "The file cannot be opened."), none),
		op("recordings", "copyStored", "POST /recordings/stored/{recordingName}/copy", "StoredRecording", "Copy a recording that is over.",
			text("destinationRecordingName", "Name of the copy.").need(),
			refuse(400, "No name is given."), none, refuse(409, "There is a recording of that name.")),
		op("recordings", "getLive", "GET /recordings/live/{recordingName}", "LiveRecording", "Tell about a recording in progress.", none),
		op("recordings", "cancel", "DELETE /recordings/live/{recordingName}", "void", "End a recording and throw it away.", none),
		op("recordings", "stop", "POST /recordings/live/{recordingName}/stop", "void", "End a recording and keep it.", none),
		op("recordings", "pause", "POST /recordings/live/{recordingName}/pause", "void", "Pause a recording. Silence is not looked for meanwhile.", none, idle),
		op("recordings", "unpause", "DELETE /recordings/live/{recordingName}/pause", "void", "Let a recording go on after a pause.", none, idle),
		op("recordings", "mute", "POST /recordings/live/{recordingName}/mute", "void", "Record silence instead of what is said. Silence is not looked for meanwhile.", none, idle),
		op("recordings", "unmute", "DELETE /recordings/live/{recordingName}/mute", "void", "Record what is said again.", none, idle),
	}
}

func soundOperations() []Operation {
	return []Operation{
		op("sounds", "list", "GET /sounds", "List[Sound]", "List the sounds that can be played.",
			text("lang", "Only those in this language."), text("format", "Only those in this format."),
			refuse(404, "There are none.")),
		op("sounds", "get", "GET /sounds/{soundId}", "Sound", "Tell about a sound.", refuse(404, "There is no such sound.")),
	}
}

func playbackOperations() []Operation {
	none := refuse(404, "There is no such playback, or it is over.")
	return []Operation{
		op("playbacks", "get", "GET /playbacks/{playbackId}", "Playback", "Tell about a playback.", none),
		op("playbacks", "stop", "DELETE /playbacks/{playbackId}", "void", "End a playback.", none),
		op("playbacks", "control", "POST /playbacks/{playbackId}/control", "void", "Pause a playback, let it go on, or move within it.",
			text("operation", "What to do.").need().oneOf("restart", "pause", "unpause", "reverse", "forward"),
			refuse(400, "There is no such operation."), none, refuse(409, "It is not playing.")),
	}
}
