package launcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// ControlPlane is a running control plane. Its methods are for one goroutine.
type ControlPlane struct {
	opts     Options
	files    *files
	keys     *pki
	who      identities
	programs programs
	prober   *prober
	ports    map[string]*port
	running  map[string]*process
	exits    chan *process // those that nobody asked to end
	toReady  time.Duration

	// The controller manager ended by itself and waits for the API server.
	owed bool
	// How often the controller manager was restarted since the last command.
	restarts int
}

// portAttempts bounds how often a first start looks for another port.
const portAttempts = 5

// Start returns when the API server is ready. On an error nothing is left
// behind: no process, and no folder that it made.
func Start(ctx context.Context, opts Options) (*ControlPlane, error) {
	if opts.reserve == nil {
		opts.reserve = reservePort
	}
	c := &ControlPlane{
		opts: opts, ports: map[string]*port{}, running: map[string]*process{},
		// Room for the end of every component at once, so that none waits.
		exits: make(chan *process, 3),
		who:   identities{admin: newToken(), controllerManager: newToken()},
	}
	var err error
	if c.programs, err = findPrograms(opts); err != nil {
		return nil, err
	}
	if c.files, err = newFiles(opts.DataDir); err != nil {
		return nil, err
	}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *ControlPlane) start(ctx context.Context) error {
	begin := time.Now()
	var err error
	if c.keys, err = newPKI(); err != nil {
		return err
	}
	if err := c.files.write(c.keys, c.who); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	c.prober = newProber(c.keys.caCert, c.who.admin)
	if err := c.startOnFreePort(ctx, Etcd); err != nil {
		return err
	}
	if err := c.startOnFreePort(ctx, APIServer); err != nil {
		return err
	}
	if err := c.files.writeKubeconfigs(c.Server(), c.keys, c.who); err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	if c.programs[ControllerManager] == nil {
		c.say("WARNING: there is no %s in %s: no Deployment gets pods, nothing is garbage collected, "+
			"no namespace is ever gone", ControllerManager, c.opts.Assets)
	} else if _, err := c.StartComponent(ctx, ControllerManager); err != nil {
		return err
	}
	c.toReady = time.Since(begin)
	return nil
}

// startOnFreePort gives a component its port for good. Where a port cannot be
// held, somebody else may have taken it since: then it takes another.
func (c *ControlPlane) startOnFreePort(ctx context.Context, component string) error {
	for attempt := 1; ; attempt++ {
		reserved, err := c.opts.reserve()
		if err != nil {
			return err
		}
		c.ports[component] = reserved
		p, err := c.StartComponent(ctx, component)
		if err == nil || attempt == portAttempts || p == nil || !p.addressInUse() {
			return err
		}
		c.say("%s: port %d is taken, trying another", component, reserved.number)
		reserved.release()
	}
}

// StartComponent starts a component on its port and data and waits until it is
// ready. A controller manager counts as ready once it runs: it serves nothing
// that could be asked, and begins its work within about a second.
// On an error that came after the start, the process is returned with it.
func (c *ControlPlane) StartComponent(ctx context.Context, component string) (*process, error) {
	if err := c.known(component); err != nil {
		return nil, err
	}
	if c.running[component] != nil {
		return nil, fmt.Errorf("%s runs already, as process %d", component, c.running[component].pid())
	}
	begin := time.Now()
	ready := make(chan struct{})
	p, err := spawn(component, c.argv(component), c.files.log(component), func(p *process) {
		<-ready
		if !p.ended.Load() {
			c.exits <- p
		}
	})
	if err != nil {
		return nil, err
	}
	defer close(ready)
	c.running[component] = p
	if component == ControllerManager {
		c.owed = false
	}
	if url := c.healthURL(component); url != "" {
		if err := c.prober.wait(ctx, p, url, c.opts.ReadyLimit); err != nil {
			// Told by this error already, and not to be told again as an exit.
			delete(c.running, component)
			return p, errors.Join(err, p.kill())
		}
	}
	c.say("%s is up (%.1f s)", component, time.Since(begin).Seconds())
	return p, nil
}

// StopComponent ends a component by SIGTERM, and by SIGKILL after StopLimit.
func (c *ControlPlane) StopComponent(component string) error {
	return c.end(component, func(p *process) error {
		killed, err := p.stop(c.opts.StopLimit)
		if killed {
			c.say("%s did not end within %s of SIGTERM and was killed", component, c.opts.StopLimit)
		}
		return err
	})
}

// KillComponent ends a component by SIGKILL.
func (c *ControlPlane) KillComponent(component string) error {
	return c.end(component, (*process).kill)
}

func (c *ControlPlane) end(component string, by func(*process) error) error {
	if err := c.known(component); err != nil {
		return err
	}
	p := c.running[component]
	if p == nil && component == ControllerManager && c.owed {
		c.owed = false
		return nil
	}
	if p == nil {
		return fmt.Errorf("%s does not run", component)
	}
	if err := by(p); err != nil {
		return err
	}
	delete(c.running, component)
	return nil
}

// known refuses what is no component of this control plane.
func (c *ControlPlane) known(component string) error {
	switch component {
	case Etcd, APIServer, ControllerManager:
	default:
		return fmt.Errorf("unknown component %q: expected %s, %s or %s",
			component, Etcd, APIServer, ControllerManager)
	}
	if c.programs[component] == nil {
		return fmt.Errorf("there is no %s in %s", component, c.opts.Assets)
	}
	return nil
}

// Server is the URL of the API server.
func (c *ControlPlane) Server() string {
	return fmt.Sprintf("https://127.0.0.1:%d", c.ports[APIServer].number)
}

func (c *ControlPlane) etcdURL() string {
	return fmt.Sprintf("http://127.0.0.1:%d", c.ports[Etcd].number)
}

func (c *ControlPlane) healthURL(component string) string {
	switch component {
	case Etcd:
		return c.etcdURL() + "/health"
	case APIServer:
		return c.Server() + "/readyz"
	default:
		return ""
	}
}

// Close ends the API server first, for it drains while the others still
// answer, then the rest; the data folder goes only when nobody writes to it
// any more.
func (c *ControlPlane) Close() error {
	var failures []error
	for _, component := range []string{APIServer, ControllerManager, Etcd} {
		if c.running[component] != nil {
			failures = append(failures, c.StopComponent(component))
		}
	}
	for _, held := range c.ports {
		held.release()
	}
	c.ports = nil
	if c.files.removed {
		failures = append(failures, os.RemoveAll(c.files.dir))
	}
	return errors.Join(failures...)
}

func (c *ControlPlane) say(format string, values ...any) {
	_, _ = fmt.Fprintf(c.opts.Progress, "control-plane: "+format+"\n", values...)
}
