import { expect, test } from "vitest";
import { InternalError, ShapeError } from "../../../src/core/errors.ts";
import { gradient, vectorJacobianProduct } from "../../../src/graph/differentiate.ts";
import { emitModel } from "../../../src/graph/emit.ts";
import { fuseSums } from "../../../src/graph/fuse.ts";
import { add, mul } from "../../../src/graph/ops/elementwise.ts";
import { filled, input, stopGradient } from "../../../src/graph/ops/inputs.ts";
import { concat } from "../../../src/graph/ops/layout.ts";
import { linear, matmul } from "../../../src/graph/ops/matmul.ts";
import { sum } from "../../../src/graph/ops/reduce.ts";
import { topologicalOrder, type Value } from "../../../src/graph/value.ts";

const x = input("x", [3, 4]);
const w = input("w", [2, 4]);
const b = input("b", [2]);
const fusedIn = (...outputs: Value[]): number => fuseSums(topologicalOrder(outputs), outputs).size;

test("a sum with a product that nobody else reads is computed inside the product", () => {
  expect(fusedIn(add(linear(x, w), b))).toBe(1);
  expect(fusedIn(add(b, linear(x, w)))).toBe(1);
  expect(fusedIn(add(add(linear(x, w), b), add(linear(x, w), linear(x, w))))).toBe(2);
});

test("it is not when somebody else reads the product, or when the shapes are others", () => {
  const product = linear(x, w);
  expect(fusedIn(mul(add(product, b), product))).toBe(0);
  expect(fusedIn(add(product, b), product)).toBe(0);
  expect(fusedIn(add(product, product))).toBe(0);
  expect(fusedIn(add(linear(x, w), input("column", [3, 1])))).toBe(0);
  expect(fusedIn(add(linear(x, w), filled([], 1)))).toBe(0);
  expect(fusedIn(add(matmul(input("s", [2, 3, 3]), input("t", [2, 3, 3])), input("u", [3])))).toBe(0);
});

test("only what the outputs need is an input; names are told apart", () => {
  const model = emitModel({ y: add(linear(x, w), b) });
  expect([...model.inputs.keys()].sort()).toEqual(["b", "w", "x"]);
  expect(model.nodes).toBe(1);
  expect([...emitModel({ y: sum(x) }).inputs.keys()]).toEqual(["x"]);
  const other = input("x", [3, 4]);
  expect(() => emitModel({ y: add(x, other) })).toThrow(InternalError);
});

test("gradients: zero paths are undefined, cotangents and losses need the right shape", () => {
  const y = sum(mul(stopGradient(x), x));
  expect(gradient(y, [x, w]).map((value) => value?.shape)).toEqual([[3, 4], undefined]);
  expect(() => gradient(x, [x])).toThrow(ShapeError);
  expect(() => vectorJacobianProduct([{ output: x, cotangent: b }], [x])).toThrow(ShapeError);
});

test("shapes that do not fit are named", () => {
  expect(() => matmul(x, w)).toThrow(/matmul.*\[3, 4\] and \[2, 4\]/);
  expect(() => concat([x, w], 1)).toThrow(ShapeError);
});

test("an input may not be called like a value that the writer names", () => {
  for (const name of ["c0", "t12", "v3_0"])
    expect(() => emitModel({ y: add(b, input(name, [2])) })).toThrow(`input ${name} is called like a value`);
});
