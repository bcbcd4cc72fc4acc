// Draws a sound: spectrogram in colour with its waveform over it.

const ramp = [[10, 8, 30], [62, 18, 94], [139, 35, 108], [207, 70, 78], [245, 132, 58], [250, 200, 90], [252, 250, 190]];

function colour(value) {
  const place = (value / 255) * (ramp.length - 1);
  const low = Math.min(Math.floor(place), ramp.length - 2);
  return ramp[low].map((c, i) => c + (ramp[low + 1][i] - c) * (place - low));
}

/** Draw {mel (base64 bytes, bins x frames), mel_bins, peaks (0..1)} on a canvas. */
export function draw(canvas, picture) {
  const bytes = Uint8Array.from(atob(picture.mel), c => c.charCodeAt(0));
  const bins = picture.mel_bins, frames = bytes.length / bins;
  const small = document.createElement("canvas");
  small.width = frames; small.height = bins;
  const ink = small.getContext("2d"), image = ink.createImageData(frames, bins);
  for (let bin = 0; bin < bins; bin++) {
    for (let frame = 0; frame < frames; frame++) {
      image.data.set([...colour(bytes[bin * frames + frame]), 255], ((bins - 1 - bin) * frames + frame) * 4);
    }
  }
  ink.putImageData(image, 0, 0);
  canvas.width = 448; canvas.height = 140;
  const context = canvas.getContext("2d");
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  context.fillStyle = "rgb(255 255 255 / .55)";
  const step = canvas.width / picture.peaks.length, middle = canvas.height / 2;
  picture.peaks.forEach((peak, i) => {
    const tall = Math.max(1, peak * middle * 0.9);
    context.fillRect(i * step, middle - tall, Math.max(1, step - 1), 2 * tall);
  });
}
