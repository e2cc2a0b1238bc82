// The npm package `onvif` (agsh) against one camera: connect, list, move, stop, recall a preset, read events.
// Arguments: port, user name, password. Prints one JSON object.
'use strict';

const { Cam } = require('onvif/promises');

const [port, username, password] = process.argv.slice(2);

async function still(cam) {
  for (let attempt = 0; attempt < 250; attempt += 1) {
    const status = await cam.getStatus({});
    if (status.moveStatus.panTilt === 'IDLE' && status.moveStatus.zoom === 'IDLE') {
      return status.position;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the camera does not come to rest');
}

async function main() {
  const cam = new Cam({ hostname: '127.0.0.1', port: Number(port), username, password, timeout: 5000, autoconnect: false });
  await cam.connect();
  const information = await cam.getDeviceInformation();
  const stream = await cam.getStreamUri({ protocol: 'RTSP' });
  const snapshot = await cam.getSnapshotUri({});
  const nodes = await cam.getNodes();
  const before = await still(cam);
  await cam.continuousMove({ x: 1, y: 0, zoom: 0, timeout: 5000 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const during = await cam.getStatus({});
  await cam.stop({ panTilt: true, zoom: true });
  const after = await still(cam);
  const stored = Object.entries(await cam.getPresets({}));
  const presets = Object.fromEntries(stored.map(([name, each]) => [name, each.$.token]));
  await cam.gotoPreset({ preset: presets.Halte });
  const preset = await still(cam);
  await cam.absoluteMove({ x: 0.5, y: 0.5, zoom: 0.25 });
  const absolute = await still(cam);
  const imaging = await cam.getImagingSettings({});
  console.log(
    JSON.stringify({
      manufacturer: information.manufacturer,
      profiles: cam.profiles.map((profile) => profile.name),
      active: cam.activeSource.profileToken,
      stream: stream.uri,
      snapshot: snapshot.uri,
      nodes: Object.keys(nodes),
      moving: during.moveStatus.panTilt,
      presets,
      before,
      after,
      preset,
      absolute,
      brightness: imaging.brightness,
    }),
  );
}

main().catch((error) => {
  console.error(String(error));
  process.exitCode = 1;
});
