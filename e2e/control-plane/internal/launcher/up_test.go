package launcher

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// session is "up --control-stdin" in a goroutine of the test.
type session struct {
	t      *testing.T
	stdin  *io.PipeWriter
	stdout *bufio.Scanner
	ended  chan error
	ready  Ready

	progress *progress
}

// progress keeps what "up" says on standard error, for two goroutines.
type progress struct {
	mu   sync.Mutex
	text strings.Builder
}

func (p *progress) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(line)
}

func (p *progress) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func newSession(t *testing.T, args ...string) *session {
	t.Helper()
	t.Setenv("KUBEBUILDER_ASSETS", "")
	ctx, cancel := context.WithCancel(context.Background())
	stdin, commands := io.Pipe()
	answers, stdout := io.Pipe()
	s := &session{t: t, stdin: commands, stdout: bufio.NewScanner(answers), ended: make(chan error, 1)}
	s.progress = &progress{}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		s.ended <- Up(ctx, append([]string{"--control-stdin"}, args...), stdin, stdout, io.MultiWriter(s.progress, testLog{t}))
		_ = stdout.Close()
	}()
	t.Cleanup(func() {
		cancel()
		_ = answers.Close()
		<-finished
	})
	s.read(&s.ready)
	if s.ready.Event != "ready" {
		t.Fatalf("first line: %+v, want the event ready", s.ready)
	}
	return s
}

func (s *session) read(into any) {
	s.t.Helper()
	if !s.stdout.Scan() {
		s.t.Fatalf("no line on standard output: %v", <-s.ended)
	}
	if err := json.Unmarshal(s.stdout.Bytes(), into); err != nil {
		s.t.Fatalf("%s: %v", s.stdout.Bytes(), err)
	}
}

func (s *session) command(command string) reply {
	s.t.Helper()
	if _, err := io.WriteString(s.stdin, command+"\n"); err != nil {
		s.t.Fatal(err)
	}
	var answer reply
	s.read(&answer)
	if answer.Command != command {
		s.t.Fatalf("the answer to %q is %+v", command, answer)
	}
	return answer
}

func TestCommands(t *testing.T) {
	s := newSession(t)
	for _, test := range []struct{ command, failure string }{
		{"stop kube-apiserver", ""},
		{"stop kube-apiserver", "does not run"},
		{"start kube-apiserver", ""},
		{"start kube-apiserver", "runs already"},
		{"kill etcd", ""},
		{"start etcd", ""},
		{"stop kube-controller-manager", ""},
		{"start kube-controller-manager", ""},
		{"start kubelet", `unknown component "kubelet"`},
		{"freeze etcd", `unknown command "freeze etcd"`},
	} {
		answer := s.command(test.command)
		if (answer.Event == "failed") != (test.failure != "") || !strings.Contains(answer.Error, test.failure) {
			t.Errorf("%s: %+v, want failure %q", test.command, answer, test.failure)
		}
		if starts := strings.HasPrefix(test.command, "start ") && test.failure == ""; starts != (answer.PID != 0) {
			t.Errorf("%s: process %d", test.command, answer.PID)
		}
	}
}

func TestEndOfStandardInputEndsAll(t *testing.T) {
	s := newSession(t)
	if err := s.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-s.ended; err != nil {
		t.Fatal(err)
	}
	for name, component := range s.ready.Components {
		if alive(component.PID) {
			t.Errorf("%s still runs as %d", name, component.PID)
		}
	}
}

func TestComponentThatEndsByItselfEndsAll(t *testing.T) {
	s := newSession(t)
	if err := syscall.Kill(s.ready.Components[Etcd].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var last reply
	s.read(&last)
	const reason = "etcd ended by itself: signal: killed"
	if last.Event != "failed" || last.Command != "up" || !strings.Contains(last.Error, reason) {
		t.Errorf("the last line is %+v, want the reason", last)
	}
	if err := <-s.ended; err == nil || !strings.Contains(err.Error(), reason) {
		t.Errorf("got %v, want the reason", err)
	}
	if pid := s.ready.Components[APIServer].PID; alive(pid) {
		t.Errorf("the API server still runs as %d", pid)
	}
}

// A controller manager that is still starting exits when the API server goes.
func TestControllerManagerComesBackWithTheAPIServer(t *testing.T) {
	s := newSession(t)
	s.command("stop kube-apiserver")
	if err := syscall.Kill(s.ready.Components[ControllerManager].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the controller manager is gone", func() bool {
		return !alive(s.ready.Components[ControllerManager].PID)
	})
	if answer := s.command("start kube-apiserver"); answer.Error != "" {
		t.Fatal(answer.Error)
	}
	eventually(t, "the controller manager is started a second time", func() bool {
		return strings.Count(s.progress.String(), ControllerManager+" is up") == 2
	})
}

func TestKilledLauncherTakesItsComponentsAlong(t *testing.T) {
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("no parent-death signal on this system")
	}
	launcher := exec.Command(selfPath(), "up", "--data-dir", t.TempDir())
	launcher.Stderr = os.Stderr
	stdout, err := launcher.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := launcher.Start(); err != nil {
		t.Fatal(err)
	}
	var ready Ready
	decodeErr := json.NewDecoder(stdout).Decode(&ready)
	_ = launcher.Process.Kill()
	_ = launcher.Wait() // always "killed"
	if decodeErr != nil {
		t.Fatal(decodeErr)
	}
	if len(ready.Components) != 3 {
		t.Fatalf("running: %v, want three components", ready.Components)
	}
	for name, component := range ready.Components {
		eventually(t, name+" is gone", func() bool { return !alive(component.PID) })
	}
}

func TestClosedOutputEndsAllInOrder(t *testing.T) {
	temporary := t.TempDir()
	output, closed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	launcher := exec.Command(selfPath(), "up")
	launcher.Env = append(os.Environ(), "TMPDIR="+temporary)
	launcher.Stdout, launcher.Stderr = closed, closed
	if err := errors.Join(output.Close(), launcher.Start(), closed.Close()); err != nil {
		t.Fatal(err)
	}
	if err := launcher.Wait(); launcher.ProcessState.ExitCode() != 1 {
		t.Errorf("got %v, want exit code 1", err)
	}
	left, err := os.ReadDir(temporary)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestUnexpectedArgumentIsRefused(t *testing.T) {
	err := Up(t.Context(), []string{"now"}, nil, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), `unexpected argument "now"`) {
		t.Fatalf("got %v", err)
	}
}
