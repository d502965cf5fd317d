package wire

import "github.com/confuse/data-connector/domain"

// stageSize is about what the JSON of a StageReported takes, in bytes.
const stageSize = 320

// marshalStage writes the JSON of a StageReported without a letter, which nearly all
// are, as encoding/json does: see [fileWriter].
func marshalStage(to []byte, e domain.StageReported) ([]byte, error) {
	w := fileWriter{JSON{B: to}}
	w.id(`{"source_id":`, e.SourceID.UUID)
	w.Text(`,"owner_id":`, string(e.OwnerID))
	w.id(`,"file_id":`, e.FileID.UUID)
	w.Text(`,"stage":`, e.Stage)
	w.Number(`,"run":`, e.Run)
	w.Number(`,"seq":`, e.Seq)
	w.Text(`,"state":`, string(e.State))
	w.Number(`,"items":`, e.Items)
	w.Some(`,"error":`, e.Error)
	w.Some(`,"reason":`, e.Reason)
	w.Time(`,"at":`, e.At)
	w.Some(`,"replay":`, e.Replay)
	if e.Repeated {
		w.Raw(`,"repeated":true`)
	}
	w.Raw("}")
	return w.B, w.Err
}
