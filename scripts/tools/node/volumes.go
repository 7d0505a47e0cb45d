package main

import (
	"context"
	"flag"
	"log"
	"os"
	"path/filepath"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// storageClass is the class whose claims this provisioner serves.
	storageClass = "local-path"
	// folderMode and root's ownership are what a cloud's fresh disk has: a pod
	// that isn't root gets its access through fsGroup, or not at all.
	folderMode = 0o755
	// pollInterval is short against a pod's start, and one node has few claims.
	pollInterval = 300 * time.Millisecond
	// nodeOfClaim is how the scheduler says where a claim's first pod will run.
	nodeOfClaim = "volume.kubernetes.io/selected-node"
)

// provisioner gives each claim a folder below root, on the only node.
type provisioner struct {
	client kubernetes.Interface
	root   string
}

// keepVolumes makes and removes volumes until the process is ended.
func keepVolumes(args []string) {
	flags := flag.NewFlagSet("volumes", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server")
	root := flags.String("root", "", "the folder to make volumes in")
	_ = flags.Parse(args)
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatalf("read %s: %v", *kubeconfig, err)
	}
	p := provisioner{kubernetes.NewForConfigOrDie(config), *root}
	for ctx := context.Background(); ; time.Sleep(pollInterval) {
		for _, step := range []func(context.Context) error{p.provision, p.reclaim} {
			if err := step(ctx); err != nil {
				log.Print(err)
			}
		}
	}
}

// provision makes a volume for every claim that the scheduler has placed.
func (p provisioner) provision(ctx context.Context) error {
	claims, err := p.client.CoreV1().PersistentVolumeClaims("").List(ctx, meta.ListOptions{})
	if err != nil {
		return err
	}
	for _, claim := range claims.Items {
		node, class := claim.Annotations[nodeOfClaim], claim.Spec.StorageClassName
		if claim.Spec.VolumeName != "" || node == "" || class == nil || *class != storageClass {
			continue
		}
		volume := volumeFor(claim, node, p.root)
		if err := makeFolder(volume.Spec.Local.Path); err != nil {
			return err
		}
		_, err := p.client.CoreV1().PersistentVolumes().Create(ctx, volume, meta.CreateOptions{})
		if err != nil && !errors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

// makeFolder sets the mode apart from making the folder, since umask has no say.
func makeFolder(path string) error {
	if err := os.Mkdir(path, folderMode); err != nil {
		if os.IsExist(err) {
			return nil // from an earlier round: fsGroup may have changed it since
		}
		return err
	}
	return os.Chmod(path, folderMode)
}

func volumeFor(claim core.PersistentVolumeClaim, node, root string) *core.PersistentVolume {
	name := "pvc-" + string(claim.UID)
	onNode := core.NodeSelectorRequirement{Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{node}}
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{
			Name:        name,
			Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": storageClass},
		},
		Spec: core.PersistentVolumeSpec{
			StorageClassName:              storageClass,
			PersistentVolumeReclaimPolicy: core.PersistentVolumeReclaimDelete,
			AccessModes:                   claim.Spec.AccessModes,
			Capacity:                      core.ResourceList{core.ResourceStorage: claim.Spec.Resources.Requests[core.ResourceStorage]},
			ClaimRef: &core.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeSource: core.PersistentVolumeSource{
				Local: &core.LocalVolumeSource{Path: filepath.Join(root, name)},
			},
			NodeAffinity: &core.VolumeNodeAffinity{Required: &core.NodeSelector{
				NodeSelectorTerms: []core.NodeSelectorTerm{{MatchExpressions: []core.NodeSelectorRequirement{onNode}}},
			}},
		},
	}
}

// reclaim removes every volume whose claim is gone.
func (p provisioner) reclaim(ctx context.Context) error {
	volumes, err := p.client.CoreV1().PersistentVolumes().List(ctx, meta.ListOptions{})
	if err != nil {
		return err
	}
	for _, volume := range volumes.Items {
		if volume.Spec.StorageClassName != storageClass || volume.Spec.Local == nil ||
			volume.Status.Phase != core.VolumeReleased ||
			volume.Spec.PersistentVolumeReclaimPolicy != core.PersistentVolumeReclaimDelete {
			continue
		}
		if err := os.RemoveAll(volume.Spec.Local.Path); err != nil {
			return err
		}
		err := p.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, meta.DeleteOptions{})
		if err != nil && !errors.IsNotFound(err) {
			return err
		}
	}
	return nil
}
