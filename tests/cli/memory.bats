#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# memory.bats -- neither the input nor the result is ever whole in memory.

load helpers

# A small network, so that many pixels take little time: 16 channels, 2 blocks, 3 times.
NETWORK=$ROOT/tests/vectors/residual.model.safetensors

# What a sanitizer keeps of freed memory is not the program's.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=4

peak_mb() { # COMMAND ...: sets $mb
    run_here "$PYTHON" "$BATS_TEST_DIRNAME/peak_memory.py" "$@"
    expect_status 0
    mb=$(cat "$PRINTED/out")
}

@test "a result of 207 MB takes a fraction of that, by network and by Lanczos, to PNG and to JPEG" {
    local factor
    "$FOVEA" upscale "$ROOT/examples/winter-house.jpg" tall.png --method nearest # 1600 x 1200
    "$FOVEA" upscale tall.png input.png --method nearest --factor 2              # 3200 x 2400
    peak_mb "$FOVEA" upscale input.png network.png --factor 3 --model "$NETWORK" # 9600 x 7200
    [ "$mb" -lt 150 ] || wrong "the network's run took $mb MB"
    peak_mb "$FOVEA" upscale input.png lanczos.png --factor 3 --method lanczos
    [ "$mb" -lt 150 ] || wrong "Lanczos took $mb MB"
    peak_mb "$FOVEA" upscale input.png lanczos.jpg --factor 3 --method lanczos
    [ "$mb" -lt 150 ] || wrong "Lanczos to JPEG took $mb MB"
}

@test "memory does not grow with the height" {
    local low
    "$FOVEA" upscale "$ROOT/examples/winter-house.jpg" low.png --method nearest --factor 2
    "$PYTHON" - <<'PY'
from PIL import Image
low = Image.open('low.png')
high = Image.new('RGB', (low.width, low.height * 8))
for i in range(8):
    high.paste(low, (0, i * low.height))
high.save('high.png')
PY
    peak_mb "$FOVEA" upscale low.png low-3.png --factor 3 --model "$NETWORK"
    low=$mb
    peak_mb "$FOVEA" upscale high.png high-3.png --factor 3 --model "$NETWORK"
    [ "$mb" -lt $((low + 15)) ] || wrong "$low MB for 600 rows, $mb MB for 4800"
}
