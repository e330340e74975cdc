package launcher

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Ready is the first line that "up" prints: where everything is.
type Ready struct {
	Event      string               `json:"event"` // "ready"
	Kubeconfig string               `json:"kubeconfig"`
	Server     string               `json:"server"`
	AuditLog   string               `json:"auditLog"`
	DataDir    string               `json:"dataDir"`
	Kubectl    []string             `json:"kubectl,omitempty"` // the words before kubectl's own arguments
	Components map[string]Component `json:"components"`
	Seconds    float64              `json:"seconds"` // from the start until the API server was ready
}

// Component is one running program of the control plane.
type Component struct {
	PID  int    `json:"pid"`
	Port int    `json:"port,omitempty"` // none for the controller manager, which serves nothing
	Log  string `json:"log"`
}

// Ready describes the control plane as it runs now.
func (c *ControlPlane) Ready() Ready {
	components := map[string]Component{}
	for name, p := range c.running {
		component := Component{PID: p.pid(), Log: p.logPath}
		if held := c.ports[name]; held != nil {
			component.Port = held.number
		}
		components[name] = component
	}
	return Ready{
		Event: "ready", Kubeconfig: c.files.kubeconfig, Server: c.Server(), AuditLog: c.files.auditLog,
		DataDir: c.files.dir, Kubectl: c.programs[Kubectl], Components: components, Seconds: c.toReady.Seconds(),
	}
}

const upUsage = `Usage: control-plane up [flags]

Starts etcd, kube-apiserver and kube-controller-manager on loopback, prints one
line of JSON on standard output when the API server is ready, and ends them on
SIGINT or SIGTERM.

With --control-stdin it also ends at the end of standard input, and takes one
command a line from there, each answered by one line of JSON when it is done:
  start COMPONENT   on the same port and data; waits until it is ready
  stop COMPONENT    SIGTERM, waits for the exit
  kill COMPONENT    SIGKILL, waits for the exit
When a component ends by itself, so do all; the last line tells why.

Flags:
`

// Up runs the command "up" until ctx is done, a component fails or, with
// --control-stdin, standard input ends. The flag --help gives flag.ErrHelp.
func Up(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	opts, control, err := parseUp(args, stderr)
	if err != nil {
		return err
	}
	// Nobody may be left to read what we say. The Go runtime would end us on
	// the spot for that, without ending the components in order.
	signal.Ignore(syscall.SIGPIPE)
	answers := json.NewEncoder(stdout)
	defer func() {
		if err != nil {
			// Whoever reads the answers has our standard error elsewhere, or not at all.
			_ = answers.Encode(reply{Event: "failed", Command: "up", Error: err.Error()})
		}
	}()
	controlPlane, err := Start(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, controlPlane.Close()) }()
	if err := answers.Encode(controlPlane.Ready()); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	var commands <-chan string
	if control {
		commands = lines(stdin)
	}
	return controlPlane.serve(ctx, commands, answers)
}

func parseUp(args []string, stderr io.Writer) (opts Options, control bool, err error) {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = fmt.Fprint(stderr, upUsage)
		flags.PrintDefaults()
	}
	opts.Progress = stderr
	flags.StringVar(&opts.Assets, "assets", os.Getenv("KUBEBUILDER_ASSETS"),
		"`folder` with etcd, kube-apiserver, kube-controller-manager and kubectl to use instead of the built-in ones")
	flags.StringVar(&opts.DataDir, "data-dir", "",
		"empty or absent `folder` to write to, kept in the end (default a temporary one, removed in the end)")
	flags.StringVar(&opts.FeatureGates, "feature-gates", "", "`gates` for the API server, as in WatchList=false")
	flags.Func("apiserver-arg", "one more `argument` for the API server, as in --v=2; may be repeated",
		func(argument string) error {
			opts.APIServerArgs = append(opts.APIServerArgs, argument)
			return nil
		})
	flags.DurationVar(&opts.ReadyLimit, "ready-limit", time.Minute, "`time` for a component to become ready")
	flags.DurationVar(&opts.StopLimit, "stop-limit", 20*time.Second, "`time` for a component to end before it is killed")
	flags.BoolVar(&control, "control-stdin", false, "take commands from standard input and end when it ends")
	if err := flags.Parse(args); err != nil {
		return opts, false, err
	}
	if flags.NArg() > 0 {
		return opts, false, fmt.Errorf("up: unexpected argument %q: expected flags only", flags.Arg(0))
	}
	opts.Executable, err = os.Executable()
	return opts, control, err
}

// lines reads until the end; the channel is closed then.
func lines(reader io.Reader) <-chan string {
	read := make(chan string)
	go func() {
		defer close(read)
		for scanner := bufio.NewScanner(reader); scanner.Scan(); {
			read <- scanner.Text()
		}
	}()
	return read
}
