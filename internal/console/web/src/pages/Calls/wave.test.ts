import { expect, it } from "vitest";
import { peaks } from "./wave";

it("finds the loudest sample of each part, of all channels", () => {
  const left = new Float32Array([0, 0.5, -0.75, 0.25]);
  const right = new Float32Array([0, 0, 0, -1.5]);
  expect(peaks([left], 2)).toEqual([0.5, 0.75]);
  expect(peaks([left, right], 2)).toEqual([0.5, 1]);
  expect(peaks([], 3)).toEqual([0, 0, 0]);
  expect(peaks([new Float32Array([0.5])], 3)).toEqual([0.5, 0.5, 0.5]);
  expect(peaks([new Float32Array(0)], 2)).toEqual([0, 0]);
});
