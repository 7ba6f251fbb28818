/** A guess at a test image before the truth and the model's answer are shown, and the score of both. */

/** By the file of a sample: what the visitor said, and whether the model was right when it answered first. */
const guesses = new Map();
const find = (id) => document.getElementById(id);

/** Whether the truth of a sample may be shown. */
export function guessed({ file }) {
  return guesses.has(file);
}

/** Show a sample with a button for each class; `done` is called once one of them was pressed. */
export function invite({ file }, address, classes, done) {
  find("guessed").src = address;
  find("classes").replaceChildren(
    ...classes.map((name) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
      button.addEventListener("click", () => {
        guesses.set(file, { said: name, right: null });
        done();
      });
      return button;
    }),
  );
  find("guess").hidden = false;
  find("guess").scrollIntoView({ block: "nearest" });
}

/** The truth of a sample, both answers, and the score so far, as a sentence each. */
export function verdict({ file, label }, answer, samples) {
  const guess = guesses.get(file);
  guess.right ??= answer === label;
  const seen = samples.filter(guessed);
  const mine = seen.filter((sample) => guesses.get(sample.file).said === sample.label).length;
  const models = seen.filter((sample) => guesses.get(sample.file).right).length;
  const left = samples.length - seen.length;
  const score = `You ${mine} of ${seen.length}, the model ${models} of ${seen.length}`;
  return `The truth is ${label}. You said ${guess.said}, the model ${answer}. ${score}${left ? `; ${left} to go` : ", of all test images here"}.`;
}
