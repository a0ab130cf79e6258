package apps

import "github.com/dialwright/dialwright/internal/dialplan/run"

// flow is the family of applications that decide where a call goes: they
// signal, wait, set, jump, loop and run commands (spec: dialplan 5.1, 5.4).
func flow() []run.App {
	return []run.App{
		// flow_signal.go
		{Name: "Answer", Run: answer},
		{Name: "Hangup", Instant: true, Run: hangup},
		{Name: "Ringing", Instant: true, Run: ringing},
		{Name: "Progress", Instant: true, Run: progress},
		{Name: "Proceeding", Instant: true, Run: proceeding},
		{Name: "Busy", Run: busy},
		{Name: "Congestion", Run: congestion},
		{Name: "Incomplete", Run: incomplete},
		// flow_wait.go
		{Name: "Wait", Run: wait},
		{Name: "WaitExten", Run: waitExten},
		{Name: "WaitDigit", Run: waitDigit},
		{Name: "WaitUntil", Run: waitUntil},
		{Name: "WaitForCondition", Run: waitForCondition},
		// flow_values.go
		{Name: "Set", Instant: true, Run: set},
		{Name: "MSet", Instant: true, Run: mset},
		{Name: "ClearHash", Instant: true, Run: clearHash},
		{Name: "DBdel", Instant: true, Run: dbDel, Old: "Set(x=${DB_DELETE(family/key)})"},
		{Name: "DBdeltree", Instant: true, Run: dbDelTree},
		// flow_tell.go
		{Name: "NoOp", Instant: true, Run: noOp},
		{Name: "Verbose", Instant: true, Run: verbose},
		{Name: "Log", Instant: true, Run: logLine},
		{Name: "DumpChan", Instant: true, Run: dumpChan},
		{Name: "UserEvent", Instant: true, Run: userEvent},
		{Name: "ResetCDR", Instant: true, Run: resetCDR},
		{Name: "ForkCDR", Instant: true, Run: forkCDR},
		{Name: "NoCDR", Instant: true, Run: noCDR, Old: "Set(CDR_PROP(disable)=1)"},
		// flow_jump.go
		{Name: "Goto", Instant: true, Run: jump},
		{Name: "GotoIf", Instant: true, Run: jumpIf},
		{Name: "GotoIfTime", Instant: true, Run: jumpIfTime},
		{Name: "RaiseException", Instant: true, Run: raise},
		// flow_sub.go
		{Name: "Gosub", Instant: true, Run: gosub},
		{Name: "GosubIf", Instant: true, Run: gosubIf},
		{Name: "Return", Instant: true, Run: giveBack},
		{Name: "StackPop", Instant: true, Run: stackPop},
		{Name: "Macro", Instant: true, Run: macro, Old: "Gosub"},
		{Name: "MacroIf", Instant: true, Run: macroIf, Old: "GosubIf"},
		{Name: "MacroExit", Instant: true, Run: macroExit, Old: "Return"},
		// flow_loop.go
		{Name: "While", Instant: true, Run: while},
		{Name: "EndWhile", Instant: true, Run: endWhile},
		{Name: "ExitWhile", Instant: true, Run: exitWhile},
		{Name: "ContinueWhile", Instant: true, Run: continueWhile},
		{Name: "If", Instant: true, Run: ifThen},
		{Name: "ElseIf", Instant: true, Run: elseIf},
		{Name: "Else", Instant: true, Run: elseThen},
		{Name: "EndIf", Instant: true, Run: endIf},
		{Name: "ExitIf", Instant: true, Run: exitIf},
		// flow_exec.go
		{Name: "ExecIf", Instant: true, Run: execIf},
		{Name: "ExecIfTime", Instant: true, Run: execIfTime},
		{Name: "Exec", Instant: true, Run: execApp},
		{Name: "TryExec", Instant: true, Run: tryExec},
		// flow_channels.go
		{Name: "SoftHangup", Instant: true, Run: softHangup},
		{Name: "ChannelRedirect", Instant: true, Run: channelRedirect},
		{Name: "Transfer", Run: transfer},
		{Name: "Stasis", Run: stasis},
		{Name: "StasisBroadcast", Run: stasisBroadcast},
		// command.go
		{Name: "System", Danger: run.Commands, Run: system, Refused: systemRefused},
		{Name: "TrySystem", Danger: run.Commands, Run: trySystem, Refused: trySystemRefused},
	}
}
