/** How a client reads what the gateway sends: text, or a compressed stream, or text with single payloads compressed. */
import { constants, createInflate, inflateSync } from 'node:zlib';
import { Decompress } from 'fzstd';

export type Decoder = {
  message(data: Buffer, isBinary: boolean): void;
  /** Calls back when everything before was told. */
  end(done: () => void): void;
};

export function decoderFor(url: string, onText: (text: string) => void): Decoder {
  if (url.includes('compress=zlib-stream')) return zlibDecoder(onText);
  if (url.includes('compress=zstd-stream')) return zstdDecoder(onText);
  return {
    message: (data, isBinary) => onText((isBinary ? inflateSync(data) : data).toString('utf8')),
    end: (done) => done(),
  };
}

function zlibDecoder(onText: (text: string) => void): Decoder {
  const inflate = createInflate({ finishFlush: constants.Z_SYNC_FLUSH });
  const collect = collector(onText);
  // Flows from the start, so that it also ends when nothing came.
  inflate.on('data', collect);
  return {
    message: (data) => {
      if (!data.subarray(-4).equals(Buffer.from([0, 0, 0xff, 0xff])))
        throw new Error('A compressed message without its sync flush.');
      inflate.write(data);
    },
    end: (done) => {
      inflate.once('end', done);
      inflate.end();
    },
  };
}

/** The decompressor that @discordeno/gateway uses. Every message has to come out whole when it goes in. */
function zstdDecoder(onText: (text: string) => void): Decoder {
  let pieces: Uint8Array[] = [];
  const stream = new Decompress((chunk) => pieces.push(chunk));
  return {
    message: (data) => {
      pieces = [];
      stream.push(data);
      onText(Buffer.concat(pieces).toString('utf8'));
    },
    end: (done) => done(),
  };
}

function collector(onText: (text: string) => void): (chunk: Buffer) => void {
  const decoder = new TextDecoder();
  let text = '';
  return (chunk) => {
    text += decoder.decode(chunk, { stream: true });
    if (!isJson(text)) return;
    onText(text);
    text = '';
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
