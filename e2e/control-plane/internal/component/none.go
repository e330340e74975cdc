//go:build assets

package component

var programs = map[string]func(){
	"etcd":                    nil,
	"kube-apiserver":          nil,
	"kube-controller-manager": nil,
	"kubectl":                 nil,
}
