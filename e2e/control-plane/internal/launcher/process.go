package launcher

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// process is one running component.
type process struct {
	name      string
	command   *exec.Cmd
	logPath   string
	logOffset int64       // where this run's own output begins in the log
	ended     atomic.Bool // somebody here asked it to end
	done      chan struct{}
	waitErr   error // set before done is closed
}

// forks runs every fork on one thread that lives as long as the process: the
// kernel sends a parent-death signal when the forking *thread* ends (prctl(2),
// PR_SET_PDEATHSIG), and the Go runtime may end any other.
var forks = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for fork := range work {
			fork()
		}
	}()
	return work
})

// spawn starts a component whose output is appended to its log file. onExit is
// called once it has been reaped.
func spawn(name string, argv []string, logPath string, onExit func(*process)) (*process, error) {
	log, err := os.OpenFile(logPath, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%s: its log: %w", name, err)
	}
	defer func() { _ = log.Close() }()
	info, err := log.Stat()
	if err != nil {
		return nil, fmt.Errorf("%s: its log: %w", name, err)
	}
	command := exec.Command(argv[0], argv[1:]...)
	command.Stdout, command.Stderr = log, log
	command.Env = environment()
	command.SysProcAttr = sysProcAttr()
	started := make(chan error)
	forks() <- func() { started <- command.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("%s: start %s: %w", name, argv[0], err)
	}
	p := &process{name: name, command: command, logPath: logPath, logOffset: info.Size(), done: make(chan struct{})}
	go func() {
		p.waitErr = command.Wait()
		close(p.done)
		onExit(p)
	}()
	return p, nil
}

// environment is ours without ETCD_*, which etcd would read as flags.
func environment() []string {
	var kept []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "ETCD_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

func (p *process) pid() int { return p.command.Process.Pid }

// stop sends SIGTERM, waits for the exit and kills after the limit; killed
// tells which of the two it was.
func (p *process) stop(limit time.Duration) (killed bool, err error) {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return false, err
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
		return false, nil
	case <-timer.C:
		return true, p.kill()
	}
}

// kill sends SIGKILL and waits for the exit.
func (p *process) kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

func (p *process) signal(signal syscall.Signal) error {
	p.ended.Store(true)
	if err := p.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s: signal %v to process %d: %w", p.name, signal, p.pid(), err)
	}
	return nil
}

// exitError says that the component ended by itself, with the end of its log:
// the log's folder may be gone when somebody reads this.
func (p *process) exitError() error {
	return fmt.Errorf("%s ended by itself: %s; the end of %s:\n%s",
		p.name, p.command.ProcessState, p.logPath, p.logTail())
}

const tailBytes = 4 << 10

// logTail is the last output of this run, at most tailBytes of it.
func (p *process) logTail() string {
	log, err := os.Open(p.logPath)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = log.Close() }()
	info, err := log.Stat()
	if err != nil {
		return err.Error()
	}
	offset := max(p.logOffset, info.Size()-tailBytes)
	tail := make([]byte, info.Size()-offset)
	read, _ := log.ReadAt(tail, offset)
	return strings.TrimSpace(string(tail[:read]))
}

// addressInUse tells an exit because of a taken port from every other.
func (p *process) addressInUse() bool {
	return strings.Contains(p.logTail(), syscall.EADDRINUSE.Error())
}
