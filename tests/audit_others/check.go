// Checks a note, tiles and proofs that ringseal wrote with golang.org/x/mod/sumdb.
package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error, what string) {
	if err != nil {
		fmt.Println(what+":", err)
		os.Exit(1)
	}
}

type tiles struct{ dir string }

func (t tiles) Height() int { return 8 }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		// In C2SP the height is fixed and not part of the path.
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(t.dir, path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func hashes(fields []string) []tlog.Hash {
	var all []tlog.Hash
	for _, field := range fields {
		hash, err := tlog.ParseHash(field)
		must(err, field)
		all = append(all, hash)
	}
	return all
}

func number(field string) int64 {
	n, err := strconv.ParseInt(field, 10, 64)
	must(err, field)
	return n
}

func main() {
	dir := os.Args[1]
	vkey, err := os.ReadFile(filepath.Join(dir, "vkey"))
	must(err, "vkey")
	verifier, err := note.NewVerifier(string(vkey))
	must(err, "verifier")
	text, err := os.ReadFile(filepath.Join(dir, "note"))
	must(err, "note")
	_, err = note.Open(text, note.VerifierList(verifier))
	must(err, "open")

	file, err := os.Open(filepath.Join(dir, "proofs"))
	must(err, "proofs")
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	lines.Scan()
	head := strings.Fields(lines.Text())
	size, root := number(head[0]), hashes(head[1:])[0]
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, tiles{dir})
	count := 0
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		n, all := number(fields[1]), hashes(fields[2:])
		if fields[0] == "record" {
			must(tlog.CheckRecord(all[1:], size, root, n, all[0]), lines.Text())
			_, err := tlog.ProveRecord(size, n, reader)
			must(err, "tiles")
		} else {
			must(tlog.CheckTree(all[1:], size, root, n, all[0]), lines.Text())
			_, err := tlog.ProveTree(size, n, reader)
			must(err, "tiles")
		}
		count++
	}
	if count == 0 {
		fmt.Println("no proofs")
		os.Exit(1)
	}
	fmt.Println(count, "proofs: all right")
}
