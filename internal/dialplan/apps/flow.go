package apps

import "github.com/dialwright/dialwright/internal/dialplan/run"

// flow is the family of applications that decide where a call goes: they
// signal, wait, set, jump, loop and run commands (spec: dialplan 5.1, 5.4).
func flow() []run.App {
	return []run.App{
		// flow_signal.go
		{Name: "Answer", Run: answer},
		{Name: "Hangup", Run: hangup},
		{Name: "Ringing", Run: ringing},
		{Name: "Progress", Run: progress},
		{Name: "Proceeding", Run: proceeding},
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
		{Name: "Set", Run: set},
		{Name: "MSet", Run: mset},
		{Name: "ClearHash", Run: clearHash},
		{Name: "DBdel", Run: dbDel, Old: "Set(x=${DB_DELETE(family/key)})"},
		{Name: "DBdeltree", Run: dbDelTree},
		// flow_tell.go
		{Name: "NoOp", Run: noOp},
		{Name: "Verbose", Run: verbose},
		{Name: "Log", Run: logLine},
		{Name: "DumpChan", Run: dumpChan},
		{Name: "UserEvent", Run: userEvent},
		{Name: "ResetCDR", Run: resetCDR},
		{Name: "ForkCDR", Run: forkCDR},
		{Name: "NoCDR", Run: noCDR, Old: "Set(CDR_PROP(disable)=1)"},
		// flow_jump.go
		{Name: "Goto", Run: jump},
		{Name: "GotoIf", Run: jumpIf},
		{Name: "GotoIfTime", Run: jumpIfTime},
		{Name: "RaiseException", Run: raise},
		// flow_sub.go
		{Name: "Gosub", Run: gosub},
		{Name: "GosubIf", Run: gosubIf},
		{Name: "Return", Run: giveBack},
		{Name: "StackPop", Run: stackPop},
		{Name: "Macro", Run: macro, Old: "Gosub"},
		{Name: "MacroIf", Run: macroIf, Old: "GosubIf"},
		{Name: "MacroExit", Run: macroExit, Old: "Return"},
		// flow_loop.go
		{Name: "While", Run: while},
		{Name: "EndWhile", Run: endWhile},
		{Name: "ExitWhile", Run: exitWhile},
		{Name: "ContinueWhile", Run: continueWhile},
		{Name: "If", Run: ifThen},
		{Name: "ElseIf", Run: elseIf},
		{Name: "Else", Run: elseThen},
		{Name: "EndIf", Run: endIf},
		{Name: "ExitIf", Run: exitIf},
		// flow_exec.go
		{Name: "ExecIf", Run: execIf},
		{Name: "ExecIfTime", Run: execIfTime},
		{Name: "Exec", Run: execApp},
		{Name: "TryExec", Run: tryExec},
		// flow_channels.go
		{Name: "SoftHangup", Run: softHangup},
		{Name: "ChannelRedirect", Run: channelRedirect},
		{Name: "Transfer", Run: transfer},
		{Name: "Stasis", Run: stasis},
		// command.go
		{Name: "System", Danger: run.Commands, Run: system, Refused: systemRefused},
		{Name: "TrySystem", Danger: run.Commands, Run: trySystem, Refused: trySystemRefused},
	}
}
