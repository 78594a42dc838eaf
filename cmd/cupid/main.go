// Command cupid is a scheduler and a worker in one process, and the operator's
// tool. Under the name scheduler or worker it is that command alone.
package main

import (
	"os"

	"github.com/masixun71/cupid-go/cmd/internal/cli"
)

func main() { os.Exit(cli.Main(cli.Named(os.Args[0]))) }
