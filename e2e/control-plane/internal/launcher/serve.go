package launcher

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// restartLimit bounds the restarts of a controller manager that keeps ending.
const restartLimit = 5

// reply answers one command from standard input, or tells that "up" failed.
type reply struct {
	Event   string  `json:"event"` // "done" or "failed"
	Command string  `json:"command"`
	PID     int     `json:"pid,omitempty"` // of the started process
	Error   string  `json:"error,omitempty"`
	Seconds float64 `json:"seconds"`
}

// serve carries out commands until there is a reason to end. A nil channel has
// no commands and no end.
func (c *ControlPlane) serve(ctx context.Context, commands <-chan string, answers *json.Encoder) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-c.exits:
			if err := c.exited(ctx, p); err != nil {
				return err
			}
		case command, open := <-commands:
			if !open {
				return nil
			}
			if err := answers.Encode(c.obey(ctx, command)); err != nil {
				return fmt.Errorf("standard output: %w", err)
			}
		}
	}
}

func (c *ControlPlane) obey(ctx context.Context, command string) reply {
	begin := time.Now()
	c.restarts = 0
	answer := reply{Event: "done", Command: command}
	verb, component, _ := strings.Cut(command, " ")
	var err error
	switch verb {
	case "start":
		answer.PID, err = c.startAgain(ctx, component)
	case "stop":
		err = c.StopComponent(component)
	case "kill":
		err = c.KillComponent(component)
	default:
		err = fmt.Errorf("unknown command %q: expected start, stop or kill, and a component", command)
	}
	if err != nil {
		answer.Event, answer.Error = "failed", err.Error()
	}
	answer.Seconds = time.Since(begin).Seconds()
	return answer
}

func (c *ControlPlane) startAgain(ctx context.Context, component string) (pid int, err error) {
	p, err := c.StartComponent(ctx, component)
	if err != nil {
		return 0, err
	}
	if component == APIServer && c.owed {
		_, err = c.StartComponent(ctx, ControllerManager)
	}
	return p.pid(), err
}

// exited deals with a component that ended by itself. The controller manager
// does so whenever the API server goes away while it starts; a kubelet would
// start it again, and so do we. Any other component that ends is an error.
func (c *ControlPlane) exited(ctx context.Context, p *process) error {
	if p.name != ControllerManager || c.restarts == restartLimit {
		return p.exitError()
	}
	if c.running[p.name] != p {
		return nil // a command has dealt with it since
	}
	delete(c.running, p.name)
	c.say("%s ended by itself: %s", p.name, p.command.ProcessState)
	if c.running[APIServer] == nil {
		c.owed = true
		return nil
	}
	c.restarts++
	_, err := c.StartComponent(ctx, ControllerManager)
	return err
}
