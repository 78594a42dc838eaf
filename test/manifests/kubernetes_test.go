// Package manifests checks the files that others read to run cupid, with their own
// parsers. It is a module of its own, so that cupid does not depend on them.
package manifests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/masixun71/cupid-go/pkg/config"
)

// objects are what kustomize makes of deploy/kubernetes.
type objects struct {
	deployments  []appsv1.Deployment
	statefulSets []appsv1.StatefulSet
	budgets      []policyv1.PodDisruptionBudget
	services     []corev1.Service
	configs      []corev1.ConfigMap
}

// build decodes every object strictly into its type: a misspelt field fails.
func build(t *testing.T) objects {
	t.Helper()
	all, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../../deploy/kubernetes")
	require.NoError(t, err)
	var o objects
	for _, r := range all.Resources() {
		text, err := r.AsYAML()
		require.NoError(t, err)
		require.Equal(t, "cupid", r.GetNamespace(), r.GetName())
		switch kind := r.GetGvk().String(); kind {
		case "Deployment.v1.apps":
			o.deployments = append(o.deployments, decode[appsv1.Deployment](t, text))
		case "StatefulSet.v1.apps":
			o.statefulSets = append(o.statefulSets, decode[appsv1.StatefulSet](t, text))
		case "PodDisruptionBudget.v1.policy":
			o.budgets = append(o.budgets, decode[policyv1.PodDisruptionBudget](t, text))
		case "Service.v1.[noGrp]":
			o.services = append(o.services, decode[corev1.Service](t, text))
		case "ConfigMap.v1.[noGrp]":
			o.configs = append(o.configs, decode[corev1.ConfigMap](t, text))
		default:
			require.Fail(t, "this kind is not checked", "%s %s", kind, r.GetName())
		}
	}
	return o
}

func decode[T any](t *testing.T, text []byte) (object T) {
	t.Helper()
	require.NoError(t, yaml.UnmarshalStrict(text, &object), "%s", text)
	return object
}

func TestDeploymentsRunCupidAndMayDoLittle(t *testing.T) {
	t.Parallel()
	o := build(t)
	replicas := map[string]int32{}
	for _, d := range o.deployments {
		replicas[d.Name] = *d.Spec.Replicas
		requireSelected(t, d.Spec.Selector, d.Spec.Template.Labels)
		pod := d.Spec.Template.Spec
		require.Len(t, pod.Containers, 1)
		c := pod.Containers[0]
		require.Equal(t, []string{"/" + d.Name, "-c", "/etc/cupid/cupid.yaml"}, c.Command)
		require.EqualValues(t, 8320, c.Ports[0].ContainerPort)
		require.Equal(t, "/livez", c.LivenessProbe.HTTPGet.Path)
		require.Equal(t, "/readyz", c.ReadinessProbe.HTTPGet.Path)
		for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe} {
			require.Equal(t, c.Ports[0].Name, probe.HTTPGet.Port.StrVal)
		}
		require.NotZero(t, c.Resources.Limits.Memory().Value())
		require.Equal(t, o.configs[0].Name, pod.Volumes[0].ConfigMap.Name, "the hash of the config")
		requireHardened(t, pod)
	}
	require.Equal(t, map[string]int32{"scheduler": 2, "worker": 3}, replicas)
}

func TestRedisKeepsItsData(t *testing.T) {
	t.Parallel()
	o := build(t)
	require.Len(t, o.statefulSets, 1)
	s := o.statefulSets[0]
	requireSelected(t, s.Spec.Selector, s.Spec.Template.Labels)
	requireHardened(t, s.Spec.Template.Spec)
	require.Contains(t, s.Spec.Template.Spec.Containers[0].Args, "noeviction")
	require.Equal(t, s.Spec.VolumeClaimTemplates[0].Name, s.Spec.Template.Spec.Containers[0].VolumeMounts[0].Name)
	require.Len(t, o.services, 1)
	require.Equal(t, s.Spec.ServiceName, o.services[0].Name)
	requireSelected(t, &metav1.LabelSelector{MatchLabels: o.services[0].Spec.Selector}, s.Spec.Template.Labels)
}

func TestBudgetsKeepSomeOfEachDeployment(t *testing.T) {
	t.Parallel()
	o := build(t)
	require.Len(t, o.budgets, len(o.deployments))
	for _, d := range o.deployments {
		for _, b := range o.budgets {
			selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
			require.NoError(t, err)
			require.Equal(t, b.Name == d.Name, selector.Matches(labels.Set(d.Spec.Template.Labels)), "%s of %s", b.Name, d.Name)
		}
	}
}

func TestConfigIsOne(t *testing.T) {
	t.Parallel()
	o := build(t)
	require.Len(t, o.configs, 1)
	path := filepath.Join(t.TempDir(), "cupid.yaml")
	require.NoError(t, os.WriteFile(path, []byte(o.configs[0].Data["cupid.yaml"]), 0o600))
	env := []string{"SOURCE_DSN=user:password@tcp(host:3306)/db", "DESTINATION_DSN=user:password@tcp(host:3306)/db2"}
	for _, d := range o.deployments {
		for _, v := range d.Spec.Template.Spec.Containers[0].Env {
			if v.Value != "" {
				env = append(env, v.Name+"="+strings.ReplaceAll(v.Value, "$(POD_IP)", "10.1.2.3"))
			}
		}
	}
	c, err := config.Load(config.Options{Path: path, Environ: env})
	require.NoError(t, err)
	require.Equal(t, []string{"redis:6379"}, c.Redis.Addrs)
	require.Less(t, c.Process.ShutdownTimeout.Seconds(), float64(*o.deployments[0].Spec.Template.Spec.TerminationGracePeriodSeconds))
}

func requireSelected(t *testing.T, selector *metav1.LabelSelector, pod map[string]string) {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	require.NoError(t, err)
	require.False(t, s.Empty())
	require.True(t, s.Matches(labels.Set(pod)), "%s selects %s", s, pod)
}

func requireHardened(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	require.True(t, *pod.SecurityContext.RunAsNonRoot)
	require.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, pod.SecurityContext.SeccompProfile.Type)
	require.False(t, *pod.AutomountServiceAccountToken)
	for _, c := range pod.Containers {
		require.True(t, *c.SecurityContext.ReadOnlyRootFilesystem)
		require.False(t, *c.SecurityContext.AllowPrivilegeEscalation)
		require.Equal(t, []corev1.Capability{"ALL"}, c.SecurityContext.Capabilities.Drop)
	}
}
