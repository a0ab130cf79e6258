package pbx

import "errors"

// The errors of the switch, found with errors.Is.
var (
	ErrIDInUse       = errors.New("a live channel has this id")                        // Create, Originate, Incoming
	ErrIDTooLong     = errors.New("channel id is longer than 149 characters")          // spec: ari 4.1
	ErrEndpoint      = errors.New("endpoint must have the form TECH/resource")         // Create
	ErrBridgeInUse   = errors.New("a bridge has this id")                              // NewBridge
	ErrBridgeType    = errors.New("impossible bridge type")                            // NewBridge
	ErrStopping      = errors.New("the switch is stopping")                            // everything that makes something new
	ErrGone          = errors.New("the channel has ended")                             // operations on a channel that has hung up
	ErrHungUp        = errors.New("the channel hung up")                               // cause of a channel's context
	ErrState         = errors.New("not possible in the channel's state")               // operations that need another state
	ErrDialled       = errors.New("the channel is not in the 'Down' state")            // Dial of a dialled channel
	ErrNotCreated    = errors.New("the channel was not created to be dialled")         // Dial of an incoming channel
	ErrNotMember     = errors.New("the channel is not in this bridge")                 // Bridge.Remove
	ErrNoMedia       = errors.New("the switch runs without a media engine")            // Play, Record
	ErrNoSound       = errors.New("no such sound")                                     // playback of a missing file
	ErrMediaURI      = errors.New("not a media URI this server knows")                 // playback
	ErrPlaybackInUse = errors.New("a live playback has this id")                       // Play
	ErrNotPlaying    = errors.New("can only be controlled while media is playing")     // Playback.Control
	ErrRecording     = errors.New("a recording of this name exists")                   // Record
	ErrFormat        = errors.New("unknown recording format")                          // Record
	ErrBridged       = errors.New("the channel is in a bridge")                        // Record
	ErrNoMusic       = errors.New("the bridge plays no music")                         // Bridge.StopMusic
	ErrTimeout       = errors.New("the time ran out")                                  // ReadDigits
	ErrReplaced      = errors.New("another handler took the channel")                  // cause of a handler's context
	ErrOverloaded    = errors.New("the channel has more commands waiting than it may") // a full mailbox
	ErrBuiltIn       = errors.New("left to the switch's own dialplan")                 // Runner.Runner
	ErrNotSupported  = errors.New("the channel's technology cannot do this")
)
